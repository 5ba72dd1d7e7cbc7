import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Groups } from '../../sandbox/groups/groups.js';
import { groupHost } from '../../sandbox/groups/host.js';
import { type Controller, ownGroups } from '../../sandbox/groups/mounts.js';

/** The control groups of this host for tests, and which controllers it has; what is missing is told loudly, with the reason. */
export function groupsToTest(): { groups: Groups; has: (controller: Controller) => boolean } {
  const groups = Groups.open(groupHost());
  const lacks = groups.lacks();
  if (lacks.length > 0) console.error(`\nTESTS OF CONTROL GROUPS ARE SKIPPED: ${lacks.join('; ')}\n`);
  return { groups, has: (controller) => groups.limits(controller) };
}

/** Names of the groups that a server made and that are still there. */
export function groupsOf(pid: number): string[] {
  if (process.platform !== 'linux') return [];
  const own = ownGroups(
    readFileSync('/proc/self/cgroup', 'utf8'),
    readFileSync('/proc/self/mountinfo', 'utf8'),
  );
  const folders = [...Object.values(own.v1), ...(own.v2 === undefined ? [] : [own.v2, dirname(own.v2)])];
  const names = folders.filter((folder) => existsSync(folder)).flatMap((folder) => readdirSync(folder));
  return [...new Set(names.filter((name) => name.startsWith(`arkalia-${pid}-`)))];
}
