import { mkdir, readdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../contracts/errors.js';
import { modelNamePattern, modelNameRule } from '../contracts/models.js';
import { inWords } from './memory.js';
import { PartFile, statOf } from './part-file.js';

/** What the disk must have left when a model is on it: the ledger and the system go on. */
const keptFreeBytes = 268_435_456;

/** The folder of the model files. */
export class ModelFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** Where a model stands. @throws AppError `invalid_request` for a name that is none. */
  file(name: string): string {
    return join(this.path, `${checkedName(name)}.gguf`);
  }

  upload(name: string): PartFile {
    return new PartFile(join(this.path, `.${checkedName(name)}.upload`));
  }

  download(name: string): { part: PartFile; notes: string } {
    const path = join(this.path, `.${checkedName(name)}.pull`);
    return { part: new PartFile(path), notes: `${path}.json` };
  }

  /** Names and sizes of the models: regular files with a name that a model may have. */
  async models(): Promise<{ name: string; bytes: number }[]> {
    const found: { name: string; bytes: number }[] = [];
    for (const file of (await this.#names()).sort()) {
      const name = file.replace(/\.gguf$/, '');
      if (name === file || !modelNamePattern.test(name)) continue;
      const stat = await statOf(join(this.path, file));
      if (stat?.isFile()) found.push({ name, bytes: stat.size });
    }
    return found;
  }

  /** The size of a model. @throws AppError `model_not_found`, also for what is no regular file. */
  async bytesOf(name: string): Promise<number> {
    const stat = await statOf(this.file(name));
    if (stat?.isFile()) return stat.size;
    throw new AppError('model_not_found', `There is no model ${name} in ${this.path}.`);
  }

  /** @throws AppError `conflict` with the figures when the disk cannot take so much. */
  async makeRoom(bytes: number): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o755 });
    const { bavail, bsize } = await statfs(this.path);
    const free = bavail * bsize - keptFreeBytes;
    if (bytes <= free) return;
    const has = inWords(Math.max(0, free));
    throw new AppError(
      'conflict',
      `The disk of ${this.path} has ${has} for models, and this needs ${inWords(bytes)}; 268 MB stay free.`,
    );
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }
}

function checkedName(name: string): string {
  if (modelNamePattern.test(name)) return name;
  throw new AppError('invalid_request', `A model's name ${modelNameRule}.`);
}
