import { percent, type Sensor } from './sensor.js';

/** Block counts as statfs(2) gives them. */
export interface FileSystem {
  blocks: number;
  bfree: number;
  bavail: number;
}

/** Percent used as `df` shows it: what is reserved for root counts neither as used nor as there. */
export function diskPercent({ blocks, bfree, bavail }: FileSystem): number | undefined {
  const used = blocks - bfree;
  return used + bavail > 0 ? percent(used, used + bavail) : undefined;
}

/** Percent used of the file system that holds `folder`. `statfs` is fs.statfs. */
export function diskSensor(folder: string, statfs: (path: string) => Promise<FileSystem>): Sensor<'disk'> {
  return { name: 'disk', read: async () => diskPercent(await statfs(folder)) };
}
