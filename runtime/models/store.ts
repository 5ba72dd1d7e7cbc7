import { rm } from 'node:fs/promises';
import type { Sandbox } from '../../sandbox/index.js';
import type { Clock } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import type { Ledger } from '../contracts/ledger.js';
import {
  type ModelList,
  type ModelPiece,
  type ModelWork,
  modelPieceBytesMax,
  type OwnModels,
} from '../contracts/models.js';
import type { States, StateVersions } from '../contracts/state.js';
import { download, type PullLimits } from './download.js';
import { readModelUrl } from './fetch-head.js';
import { ModelFolder } from './folder.js';
import { type Choice, keepChoice } from './kept-choice.js';
import { type Manifest, type Pinned, pinnedMax } from './manifest.js';
import { inWords, memoryLimit, memoryNeeded } from './memory.js';
import { type PartFile, statOf } from './part-file.js';
import { Works } from './works.js';

export interface ModelStoreOptions {
  folder: string;
  manifest: Manifest;
  /** engines.embedded, as far as it counts here. */
  embedded: { model_file?: string | undefined; context_tokens: number; memory_bytes: number };
  viaToken: string;
  pull: PullLimits;
  ledger: Pick<Ledger, 'append'>;
  clock: Clock;
  reader: Pick<Sandbox, 'readModel'>;
  /** Which models are there has changed, and perhaps which one is used. */
  onChange: (isUsedChanged: boolean) => Promise<void>;
}

type Source = 'upload' | 'url' | 'folder';

/** The models of a folder: copied in, fetched, read in the sandbox, pinned, chosen and removed. One piece of work at a time for each name. */
export class ModelStore implements OwnModels {
  readonly #options: ModelStoreOptions;
  readonly #folder: ModelFolder;
  readonly #works = new Works();
  #versions: StateVersions<Choice> | undefined;

  constructor(options: ModelStoreOptions) {
    this.#options = options;
    this.#folder = new ModelFolder(options.folder);
  }

  /** From now on a choice is on probation, and one that makes health worse is undone. */
  async keepVersions(states: States, onError: (error: unknown) => void): Promise<void> {
    const { manifest } = this.#options;
    this.#versions = await keepChoice(states, manifest, (choice) => this.#goBack(choice), onError);
  }

  works(): ModelWork[] {
    return this.#works.all();
  }

  async list(): Promise<ModelList> {
    const { manifest, embedded } = this.#options;
    const models = (await this.#folder.models()).map(({ name, bytes }) => {
      const pin = manifest.get(name);
      return {
        name,
        bytes,
        sha256: pin?.sha256 ?? null,
        added_ms: pin?.added_ms ?? null,
        facts: pin?.facts ?? null,
        memory_bytes: pin === undefined ? null : this.#needs(pin),
        is_default: manifest.default === name,
      };
    });
    return {
      folder: this.#folder.path,
      default: manifest.default,
      fixed: embedded.model_file ?? null,
      memory_limit_bytes: this.#limit(),
      models,
      work: this.works(),
    };
  }

  async receive({ name, at, of, bytes, sha256 }: ModelPiece, by: string): Promise<ModelWork> {
    if (bytes.length === 0 || bytes.length > modelPieceBytesMax || at + bytes.length > of)
      throw new AppError(
        'invalid_request',
        `A piece has 1 to ${modelPieceBytesMax} bytes and ends where the file does; this one has ${bytes.length} at ${at} of ${of}.`,
      );
    const part = this.#folder.upload(name);
    const work = this.#works.begin({ name, act: 'add', state: 'receiving', bytes: at, of });
    return work.during(async () => {
      if (at === 0) await this.#mayCome(name, of);
      const there = await this.#onDisk(() => part.size());
      if (at !== 0 && at !== there)
        throw new AppError('conflict', `The upload of ${name} goes on at byte ${there}, not ${at}.`, {
          details: { at: there },
        });
      await this.#onDisk(() => part.write(bytes, at));
      work.tell({ bytes: at + bytes.length });
      if (at + bytes.length < of) return work.pause();
      return work.goOn((signal) => this.#settle({ name, part, source: 'upload', sha256, by, signal }, work));
    });
  }

  async pull(
    { url, name, sha256 }: { url: string; name: string; sha256?: string | undefined },
    by: string,
  ): Promise<ModelWork> {
    readModelUrl(url);
    const { part, notes } = this.#folder.download(name);
    const work = this.#works.begin({
      name,
      act: 'pull',
      state: 'receiving',
      bytes: await part.size(),
      of: null,
    });
    return work.during(async () => {
      await this.#mayCome(name, 0);
      return work.goOn(async (signal) => {
        await download({
          url,
          pull: this.#options.pull,
          part,
          notes,
          bytesMax: this.#limit(),
          viaToken: this.#options.viaToken,
          signal,
          onSize: (of) => this.#folder.makeRoom(of),
          onProgress: (bytes, of) => work.tell({ bytes, of }),
        });
        await this.#settle({ name, part, source: 'url', sha256, by, signal }, work);
        await rm(notes, { force: true });
      });
    });
  }

  async verify(name: string, by: string): Promise<ModelWork> {
    const of = await this.#folder.bytesOf(name);
    const work = this.#works.begin({ name, act: 'verify', state: 'reading', bytes: 0, of });
    return work.during(async () =>
      work.goOn(async (signal) => {
        const { manifest } = this.#options;
        const pin = manifest.get(name);
        const read = await this.#read(this.#folder.file(name), signal, work);
        if (pin === undefined) {
          await this.#record('model_added', {
            name,
            sha256: read.sha256,
            bytes: read.bytes,
            source: 'folder',
            by,
          });
          await manifest.pin(name, read);
          return;
        }
        const holds = read.sha256 === pin.sha256;
        await this.#record('model_verified', { name, sha256: read.sha256, holds, by });
        if (!holds)
          throw new AppError(
            'conflict',
            `${name} is not what was added: its SHA-256 is ${read.sha256}, not ${pin.sha256}. Remove it and add it again.`,
          );
      }),
    );
  }

  async remove(name: string, by: string): Promise<void> {
    const file = this.#folder.file(name);
    const { part, notes } = this.#folder.download(name);
    const parts = [this.#folder.upload(name).path, part.path, notes];
    await this.#works.end(name);
    const { manifest, onChange } = this.#options;
    const there = await Promise.all([file, ...parts].map(statOf));
    if (there.every((stat) => stat === undefined) && manifest.get(name) === undefined)
      throw new AppError('model_not_found', `There is no model ${name} in ${this.#folder.path}.`);
    await this.#record('model_removed', { name, sha256: manifest.get(name)?.sha256 ?? null, by });
    for (const path of [file, ...parts]) await this.#onDisk(() => rm(path, { force: true }));
    await manifest.forget(name);
    await this.#versions?.change(manifest.default, `${name} was removed`, { probation: false });
    await onChange(true);
  }

  async choose(name: string, by: string): Promise<void> {
    const bytes = await this.#folder.bytesOf(name);
    const { manifest, embedded, onChange } = this.#options;
    if (embedded.model_file !== undefined)
      throw new AppError(
        'conflict',
        'engines.embedded.model_file names the model that is used; take that setting out to choose here.',
      );
    const pin = manifest.get(name);
    if (pin !== undefined) this.#mustFit(this.#needs(pin), name);
    else this.#mustFit(bytes, name);
    if (this.#versions?.mayChange(name) === false)
      throw new AppError(
        'conflict',
        `${name} is not chosen now: it made health worse less than an hour ago, or too many changes are on probation (arkalia incidents).`,
      );
    await this.#record('model_chosen', { name, by });
    await manifest.choose(name);
    await this.#versions?.change(name, `chosen by ${by}`);
    await onChange(true);
  }

  async #goBack(name: Choice): Promise<void> {
    const { manifest, onChange } = this.#options;
    if (name !== null) await this.#folder.bytesOf(name);
    await manifest.choose(name);
    await onChange(true);
    if (name !== null) await this.#record('model_chosen', { name, by: 'rollback' });
  }

  /** Ends what is being done. */
  close(): Promise<void> {
    return this.#works.close();
  }

  #limit(): number {
    return memoryLimit(this.#options.embedded.memory_bytes);
  }

  #needs({ facts, bytes }: Pinned): number {
    return memoryNeeded(facts, bytes, this.#options.embedded.context_tokens);
  }

  #mustFit(needed: number, name: string): void {
    const limit = this.#limit();
    if (needed <= limit) return;
    throw new AppError(
      'conflict',
      `${name} needs about ${inWords(needed)} of memory with engines.embedded.context_tokens = ${this.#options.embedded.context_tokens}, and ${inWords(limit)} are allowed here (engines.embedded.memory_bytes, and the memory of this device).`,
    );
  }

  /** Whether a model of this name and size may be brought in. */
  async #mayCome(name: string, bytes: number): Promise<void> {
    if ((await statOf(this.#folder.file(name))) !== undefined)
      throw new AppError(
        'conflict',
        `There is a model ${name} already; remove it first, or choose another name.`,
      );
    if (this.#options.manifest.size >= pinnedMax)
      throw new AppError('conflict', `There are ${pinnedMax} models, which is the most.`);
    this.#mustFit(bytes, name);
    await this.#onDisk(() => this.#folder.makeRoom(bytes));
  }

  /** A file that is here as a whole: read in the sandbox, held to hash and memory, recorded, put in its place and pinned. */
  async #settle(
    what: {
      name: string;
      part: PartFile;
      source: Source;
      sha256: string | undefined;
      by: string;
      signal: AbortSignal;
    },
    work: { tell(news: Partial<ModelWork>): void },
  ): Promise<void> {
    const { name, part, source, sha256, by, signal } = what;
    work.tell({ state: 'reading', bytes: 0, of: await part.size() });
    try {
      const read = await this.#read(part.path, signal, work);
      if (sha256 !== undefined && sha256 !== read.sha256)
        throw new AppError('conflict', `What came has the SHA-256 ${read.sha256}, not ${sha256}.`);
      this.#mustFit(this.#needs(read), name);
      await this.#record('model_added', { name, sha256: read.sha256, bytes: read.bytes, source, by });
      await this.#options.manifest.pin(name, read);
      await this.#keepChoice(name);
      await this.#onDisk(() => part.finish(this.#folder.file(name)));
    } catch (error) {
      // What does not hold is of no use to another attempt; whoever was interrupted goes on.
      if (!signal.aborted) await part.remove();
      throw error;
    }
    await this.#options.onChange(false);
  }

  /** Where nobody chose and one model was used because it was the only one, it stays in use; the first one to come is used. */
  async #keepChoice(coming: string): Promise<void> {
    const { manifest } = this.#options;
    if (manifest.default !== null) return;
    const [only, second] = (await this.#folder.models()).map(({ name }) => name);
    if (second !== undefined) return;
    await manifest.choose(only ?? coming);
    // Nothing was used before, so there is nothing to go back to.
    await this.#versions?.change(manifest.default, 'the only model', { probation: false });
  }

  async #read(
    file: string,
    signal: AbortSignal,
    work: { tell(news: Partial<ModelWork>): void },
  ): Promise<Pinned> {
    const { reader, clock } = this.#options;
    const onProgress = (bytes: number) => work.tell({ bytes });
    const { sha256, bytes, read } = await this.#onDisk(() => reader.readModel(file, { signal, onProgress }));
    work.tell({ bytes });
    if ('fault' in read)
      throw new AppError('invalid_request', `It is no GGUF file that can be used: ${read.fault}.`);
    return { sha256, bytes, facts: read.facts, added_ms: clock.wallMs() };
  }

  async #record(
    type: 'model_added' | 'model_verified' | 'model_removed' | 'model_chosen',
    data: Record<string, string | number | boolean | null>,
  ): Promise<void> {
    await this.#options.ledger.append({ type, module: 'kernel', data });
  }

  /** What the disk refuses, in words. */
  async #onDisk<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
      if (!/^E[A-Z]+$/.test(code)) throw cause;
      const hint = code === 'EROFS' || code === 'EACCES' ? ' The server must be able to write there.' : '';
      throw new AppError('conflict', `The folder ${this.#folder.path} refuses: ${code}.${hint}`, { cause });
    }
  }
}
