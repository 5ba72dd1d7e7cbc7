import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of a file that was renamed or removed since its folder was read, nothing. */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** Names of the files in the folder, and in those below it, that hold one of the words anywhere. A server may be writing there. */
export function filesHolding(folder: string, ...words: string[]): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }) as Dirent[];
  return entries
    .filter((entry) => entry.isFile())
    .filter((entry) => {
      const bytes = bytesOf(join(entry.parentPath, entry.name));
      return words.some((word) => bytes.includes(word));
    })
    .map(({ name }) => name);
}
