import { readFileSync } from 'node:fs';

/** Bytes that a process caused to be written to storage, or null where that is not told. */
export function writtenBytes(pid: number | 'self'): number | null {
  try {
    return Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code))) return null;
    throw error;
  }
}
