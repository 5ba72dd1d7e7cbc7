import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Check } from './finding.js';

const fatalBytes = 100 * 1_048_576;
const warningBytes = 1024 * 1_048_576;

/** Free space where the data folder is or will be. */
export const diskCheck: Check = {
  name: 'disk',
  run: async ({ config }) => {
    const path = resolve(config.ok ? config.loaded.config.data_dir : '.');
    const { bavail, bsize } = await statfsNearest(path);
    const free = bavail * bsize;
    const found = `${Math.floor(free / 1_048_576)} MB free for ${path}`;
    const todo =
      'Free some space, or choose another data_dir. The ledger stops recording when the disk is full.';
    if (free < fatalBytes) return [{ check: 'disk', level: 'fatal', found, todo }];
    if (free < warningBytes) return [{ check: 'disk', level: 'warning', found, todo }];
    return [{ check: 'disk', level: 'ok', found }];
  },
};

async function statfsNearest(path: string): Promise<{ bavail: number; bsize: number }> {
  try {
    return await statfs(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    return statfsNearest(dirname(path));
  }
}
