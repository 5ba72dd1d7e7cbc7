import { basename, dirname, join } from 'node:path';
import { type GroupHost, hasCode } from './host.js';
import { serverWeight } from './limits.js';
import type { Controller } from './mounts.js';

/** The group of version 2 in which the server itself is, beside those of its children. */
const serverLeaf = 'arkalia-server';
const roundsMax = 10;

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** What children of our group of version 2 can be limited by, and why not by the rest. */
export interface Delegated {
  folder: string;
  usable: Controller[];
  problems: Map<Controller, string>;
}

/**
 * Has the children of our own group limited by the controllers that it offers. A group that hands controllers on must hold no process
 * (only the root of all may), so the server and what belongs to it first move into a leaf of their own; not when a process of
 * somebody else's is there.
 *
 *     arkalia.service                 cgroup.subtree_control: memory pids cpu
 *     ├── arkalia-server              the server
 *     └── arkalia-PID-N               a child
 *
 * @throws Error of the file system.
 */
export function delegate(own: string, wanted: readonly Controller[], host: GroupHost): Delegated {
  // A restarted server starts in the leaf.
  const folder = basename(own) === serverLeaf ? dirname(own) : own;
  const offered = words(host.read(join(folder, 'cgroup.controllers')));
  const control = join(folder, 'cgroup.subtree_control');
  const enabled = words(host.read(control));
  const problems = new Map<Controller, string>();
  const missing = wanted.filter((one) => offered.includes(one) && !enabled.includes(one));
  if (missing.length > 0) {
    const problem = makeRoom(folder, host);
    for (const one of missing) {
      if (problem !== undefined) problems.set(one, problem);
      else
        try {
          host.write(control, `+${one}`);
        } catch (error) {
          problems.set(one, `${control} does not take it (${(error as NodeJS.ErrnoException).code})`);
        }
    }
  }
  if (missing.includes('cpu') && !problems.has('cpu') && host.folders(folder).includes(serverLeaf))
    host.write(join(folder, serverLeaf, 'cpu.weight'), `${serverWeight}`);
  const usable = wanted.filter((one) => offered.includes(one) && !problems.has(one));
  return { folder, usable, problems };
}

/** Empties the group of processes; says why it cannot. */
function makeRoom(folder: string, host: GroupHost): string | undefined {
  if (isRoot(folder, host)) return undefined;
  const procs = join(folder, 'cgroup.procs');
  const leaf = join(folder, serverLeaf);
  for (let round = 0; round < roundsMax; round += 1) {
    const pids = words(host.read(procs)).map(Number);
    if (pids.length === 0) return undefined;
    const foreign = pids.find((pid) => !host.isOurs(pid));
    if (foreign !== undefined)
      return `${folder} also holds process ${foreign}, which is not ours; a group of its own is needed (systemd: Delegate=)`;
    if (!host.folders(folder).includes(serverLeaf)) host.makeFolder(leaf);
    for (const pid of pids) move(pid, leaf, host);
  }
  return `${folder} does not become empty`;
}

/** The root of all groups alone has no type. */
function isRoot(folder: string, host: GroupHost): boolean {
  try {
    host.read(join(folder, 'cgroup.type'));
    return false;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
}

function move(pid: number, leaf: string, host: GroupHost): void {
  try {
    host.write(join(leaf, 'cgroup.procs'), `${pid}`);
  } catch (error) {
    // It has ended meanwhile.
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
