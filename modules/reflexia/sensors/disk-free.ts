import type { FileSystem } from './disk.js';
import type { Sensor } from './sensor.js';

/** Bytes that we may still write on the file system that holds `folder`. `statfs` is fs.statfs. */
export function diskFreeSensor(
  folder: string,
  statfs: (path: string) => Promise<FileSystem & { bsize: number }>,
): Sensor<'disk_free_bytes'> {
  return {
    name: 'disk_free_bytes',
    async read() {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
  };
}
