import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

const sha256Form = /^[0-9a-f]{64}$/;

/** Where a data folder keeps the module of that hash. */
function coreFile(dataDir: string, sha256: string): string {
  return join(dataDir, 'cores', `${sha256}.wasm`);
}

/**
 * Keeps a module of the hot core in the data folder, so that its decisions can still be replayed when the appliance has another. One
 * that is there already is left alone; a damaged one is written anew. Some 10 KB each.
 */
export async function keepCore(
  dataDir: string,
  { bytes, sha256 }: { bytes: Uint8Array; sha256: string },
): Promise<void> {
  if (readCore(dataDir, sha256) !== undefined) return;
  await mkdir(join(dataDir, 'cores'), { recursive: true, mode: 0o700 });
  await writeFileAtomic(coreFile(dataDir, sha256), bytes);
}

/**
 * The kept module of that hash; undefined when there is none, when its bytes have another hash, or when the text is no hash: it
 * comes from a record, and must not lead to another file.
 */
export function readCore(dataDir: string, sha256: string): Uint8Array | undefined {
  if (!sha256Form.test(sha256)) return undefined;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(coreFile(dataDir, sha256));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return createHash('sha256').update(bytes).digest('hex') === sha256 ? bytes : undefined;
}
