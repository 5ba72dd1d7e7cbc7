import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { GarbageMeter } from './garbage-meter.js';
import { thisMachine } from './machine.js';
import type { FileSystem } from './sensors/disk.js';
import type { DelayHistogram } from './sensors/event-loop.js';
import type { HeapUse } from './sensors/heap.js';
import type { Machine } from './sensors/sensor.js';

/** The device and the process that are observed; injected, so that a simulation can be any. */
export interface Host {
  readonly machine: Machine;
  /** As fs.statfs. */
  statfs(path: string): Promise<FileSystem & { bsize: number }>;
  /** As os.loadavg. */
  loadavg(): number[];
  residentBytes(): number;
  heap(): HeapUse;
  /** As perf_hooks.monitorEventLoopDelay. */
  eventLoop(resolutionMs: number): DelayHistogram & { enable(): boolean; disable(): boolean };
  garbageMeter(): Pick<GarbageMeter, 'start' | 'stop' | 'take'>;
}

export const thisHost: Host = {
  machine: thisMachine,
  statfs: (path) => statfs(path),
  loadavg: () => os.loadavg(),
  residentBytes: () => process.memoryUsage.rss(),
  heap: () => getHeapStatistics(),
  eventLoop: (resolution) => monitorEventLoopDelay({ resolution }),
  garbageMeter: () => new GarbageMeter(),
};
