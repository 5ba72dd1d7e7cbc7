import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { MODEL_BYTES_MAX } from './classifier/model-file.js';

type Guard = Config['guard'];

/** By digest, in the data folder. */
const folderOf = (dataDir: string) => join(dataDir, 'weights');

/**
 * Keeps a copy of weights that the configuration names, so that it can be gone back to also when the file itself was replaced.
 * @param good Digest of the last good ones, which are kept too; all others are removed.
 * @throws Error when the file cannot be read or written, or is not the one that its SHA-256 names.
 */
export async function keepWeights(
  dataDir: string,
  { weights_file: file, weights_sha256: sha256 }: Pick<Guard, 'weights_file' | 'weights_sha256'>,
  good: string | undefined,
): Promise<void> {
  const folder = folderOf(dataDir);
  if (file !== undefined && sha256 !== undefined && !existsSync(join(folder, sha256))) {
    const { size } = await stat(file);
    if (size > MODEL_BYTES_MAX) throw new Error(`${file} has ${size} bytes, more than ${MODEL_BYTES_MAX}`);
    const bytes = await readFile(file);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256)
      throw new Error(`${file} was replaced since the start`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(join(folder, sha256), bytes);
  }
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder))
    if (name !== sha256 && name !== good) await rm(join(folder, name), { force: true });
}

/** The same settings, with the copy in place of the file if there is one. What it holds is checked by whoever loads it. */
export function withKeptWeights(dataDir: string, guard: Guard): Guard {
  if (guard.weights_sha256 === undefined) return guard;
  const kept = join(folderOf(dataDir), guard.weights_sha256);
  return existsSync(kept) ? { ...guard, weights_file: kept } : guard;
}
