import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../data-folder/write-file-atomic.js';

/** A file that is being received, beside where it will stand. Written in order, never through a link. */
export class PartFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** How much of it is there; 0 when nothing is. */
  async size(): Promise<number> {
    return (await statOf(this.path))?.size ?? 0;
  }

  /** Opens it for writing at its end, or empty. The mode lets the user that models run as read it. */
  async open(from: 'start' | 'end'): Promise<FileHandle> {
    const { O_WRONLY, O_CREAT, O_NOFOLLOW, O_TRUNC } = constants;
    const file = await open(
      this.path,
      O_WRONLY | O_CREAT | O_NOFOLLOW | (from === 'start' ? O_TRUNC : 0),
      0o644,
    );
    await file.chmod(0o644);
    return file;
  }

  /** Puts bytes at its end, or at 0 into an empty file. */
  async write(bytes: Uint8Array, at: number): Promise<void> {
    const file = await this.open(at === 0 ? 'start' : 'end');
    try {
      await file.write(bytes, 0, bytes.length, at);
    } finally {
      await file.close();
    }
  }

  /** Puts it where it belongs, once it is on the disk. The caller has made sure that nothing stands there. */
  async finish(path: string): Promise<void> {
    const file = await open(this.path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(this.path, path);
    await syncFolder(dirname(path));
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** What stands at a path, links not followed; undefined for nothing. */
export async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
