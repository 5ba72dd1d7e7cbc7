import type { ChildLimits } from '../levels/level.js';
import { processesMax } from '../levels/limits.js';
import type { Controller } from './mounts.js';

/** What the group of one child may take. */
export interface GroupLimits {
  memoryBytes: number;
  /** Processes and threads. */
  processes: number;
}

/**
 * Shares of a contended processor, of which 100 is the usual one. All threads of a child share one, so that a model with many of them
 * counts as one; the server, which they all wait for, has more in version 2, where it is in a group too.
 */
const childWeight = 100;
export const serverWeight = 400;

/**
 * What the group of a child grants. The watch of resident memory ends what grows slowly at the limit itself; the group stands an eighth
 * above it, so that the kernel does not throw out the pages of a model's file, and reads them again, in place of a clear end.
 */
export function groupLimits({ kind, memoryBytes }: ChildLimits): GroupLimits {
  return { memoryBytes: hardBytes(memoryBytes), processes: processesMax[kind] };
}

export const hardBytes = (memoryBytes: number): number => Math.ceil(memoryBytes * 1.125);

/** One file of a group that is written. `optional`: not every kernel has it. */
export interface Setting {
  file: string;
  value: string;
  optional?: true;
}

/** What is written into a new group, in order. */
export function settings(
  version: 1 | 2,
  controller: Controller,
  { memoryBytes, processes }: GroupLimits,
): Setting[] {
  if (controller === 'pids') return [{ file: 'pids.max', value: `${processes}` }];
  if (controller === 'cpu')
    return version === 2
      ? [{ file: 'cpu.weight', value: `${childWeight}` }]
      : [{ file: 'cpu.shares', value: `${(childWeight * 1024) / 100}` }];
  const bytes = `${memoryBytes}`;
  // Swap: none. Version 1 counts both together, a limit that must not be below that of memory.
  return version === 2
    ? [
        { file: 'memory.max', value: bytes },
        { file: 'memory.swap.max', value: '0', optional: true },
        { file: 'memory.oom.group', value: '1', optional: true },
      ]
    : [
        { file: 'memory.limit_in_bytes', value: bytes },
        { file: 'memory.memsw.limit_in_bytes', value: bytes, optional: true },
        { file: 'memory.swappiness', value: '0', optional: true },
      ];
}

/** The file that counts what was killed for memory, in a line `oom_kill N`. */
export const killsFile = (version: 1 | 2): string => (version === 2 ? 'memory.events' : 'memory.oom_control');
