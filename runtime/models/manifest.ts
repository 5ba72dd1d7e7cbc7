import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { ModelPins } from '../../sandbox/index.js';
import { modelNamePattern } from '../contracts/models.js';
import type { ModelFacts } from '../contracts/sandbox.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

const count = z.number().int().min(0);
const word = z.string().max(80);
const facts = z.strictObject({
  architecture: word.optional(),
  name: word.optional(),
  licence: word.optional(),
  parameters: count,
  quantisation: word,
  context_tokens: count.optional(),
  chat_template: z.boolean(),
  cache_bytes_per_token: count.optional(),
});
const pinned = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: count,
  added_ms: z.number(),
  facts,
});
const shape = z.strictObject({
  version: z.literal(1),
  default: z.string().regex(modelNamePattern).nullable(),
  models: z.record(z.string().regex(modelNamePattern), pinned),
});

export interface Pinned {
  sha256: string;
  bytes: number;
  added_ms: number;
  facts: ModelFacts;
}

/** Most models that are known at once. */
export const pinnedMax = 256;

/** `models.json` in the data folder: which model is used, and what each was when it was added. Beside the keys, not beside the models. */
export class Manifest {
  readonly #path: string;
  #default: string | null;
  readonly #models: Map<string, Pinned>;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, chosen: string | null, models: Map<string, Pinned>) {
    this.#path = path;
    this.#default = chosen;
    this.#models = models;
  }

  /** @throws Error with what to do, for a file that is damaged: what it pinned is not to be forgotten silently. */
  static async read(path: string): Promise<Manifest> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Manifest(path, null, new Map());
      throw error;
    }
    try {
      const read = shape.parse(JSON.parse(text));
      return new Manifest(path, read.default, new Map(Object.entries(read.models) as [string, Pinned][]));
    } catch (cause) {
      throw new Error(`${path} is damaged: remove it, then add or verify the models again.`, { cause });
    }
  }

  /** What the sandbox asks before it loads a model of this folder. */
  pins(folder: string): ModelPins {
    const here = resolve(folder);
    return {
      chosen: () => this.#default ?? undefined,
      pin: (file) =>
        dirname(resolve(file)) === here ? this.#models.get(basename(file, '.gguf')) : undefined,
    };
  }

  get default(): string | null {
    return this.#default;
  }

  get size(): number {
    return this.#models.size;
  }

  get(name: string): Pinned | undefined {
    return this.#models.get(name);
  }

  pin(name: string, what: Pinned): Promise<void> {
    this.#models.set(name, what);
    return this.#write();
  }

  forget(name: string): Promise<void> {
    this.#models.delete(name);
    if (this.#default === name) this.#default = null;
    return this.#write();
  }

  /** @param name Null: the only model there is. */
  choose(name: string | null): Promise<void> {
    this.#default = name;
    return this.#write();
  }

  #write(): Promise<void> {
    const text = `${JSON.stringify({
      version: 1,
      default: this.#default,
      models: Object.fromEntries(this.#models),
    })}\n`;
    const mine = this.#writing.then(() => writeFileAtomic(this.#path, text));
    this.#writing = mine.catch(() => undefined);
    return mine;
  }
}
