import { join } from 'node:path';

/** What a control group limits here. */
export const controllers = ['memory', 'pids', 'cpu'] as const;
export type Controller = (typeof controllers)[number];

/** Folders of the groups that a process is in, where they can be seen: of version 2, and of version 1 by controller. */
export interface OwnGroups {
  v2?: string;
  v1: Partial<Record<Controller, string>>;
}

/** Finds the folders from the texts of /proc/self/cgroup and /proc/self/mountinfo (see cgroups(7) and proc(5)). */
export function ownGroups(cgroup: string, mountinfo: string): OwnGroups {
  const mounts = mountinfo.split('\n').flatMap(readMount);
  const found: OwnGroups = { v1: {} };
  for (const line of cgroup.split('\n')) {
    const [, id, names, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) continue;
    if (id === '0' && names === '') {
      const folder = seenIn(mounts, 'cgroup2', undefined, path);
      if (folder !== undefined) found.v2 = folder;
      continue;
    }
    for (const controller of controllers.filter((one) => names.split(',').includes(one))) {
      const folder = seenIn(mounts, 'cgroup', controller, path);
      if (folder !== undefined) found.v1[controller] = folder;
    }
  }
  return found;
}

interface Mount {
  /** The group that is mounted. */
  root: string;
  at: string;
  type: string;
  options: string[];
}

/** `36 35 98:0 /root /at rw,noatime master:1 - cgroup source rw,memory` */
function readMount(line: string): Mount[] {
  const [before, after] = line.split(' - ');
  const [, , , root, at] = before?.split(' ') ?? [];
  const [type, , options] = after?.split(' ') ?? [];
  if (root === undefined || at === undefined || type === undefined) return [];
  return [{ root: unescaped(root), at: unescaped(at), type, options: options?.split(',') ?? [] }];
}

/** Blanks in paths are octal. */
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Where the group of this path is seen; undefined when no mount shows it. */
function seenIn(mounts: Mount[], type: string, option: string | undefined, path: string): string | undefined {
  for (const { root, at, type: found, options } of mounts) {
    if (found !== type || (option !== undefined && !options.includes(option))) continue;
    const above = root === '/' ? '' : root;
    if (`${path}/`.startsWith(`${above}/`)) return join(at, path.slice(above.length)).replace(/\/$/, '');
  }
  return undefined;
}
