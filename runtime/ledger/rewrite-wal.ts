import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

const chunkBytes = 1_048_576;

/**
 * Writes the write-ahead log over itself and synchronises it. After a failed sync Linux takes the pages for clean: they can be read, and
 * another sync says success, but the disk may not have them (LWN 752063, "PostgreSQL's fsync() surprise"). Frames that are read again from
 * there and built upon must be on the disk, so they are written once more. Throws as the file system does.
 */
export function rewriteWal(file: string): void {
  let fd: number;
  try {
    fd = openSync(`${file}-wal`, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const chunk = Buffer.alloc(chunkBytes);
    let at = 0;
    for (let read = -1; read !== 0; at += read) {
      read = readSync(fd, chunk, 0, chunkBytes, at);
      for (let written = 0; written < read; ) {
        written += writeSync(fd, chunk, written, read - written, at + written);
      }
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
