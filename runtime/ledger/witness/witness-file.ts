import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../data-folder/write-file-atomic.js';
import { LedgerFileError } from '../ledger-file-error.js';
import { seedBytes } from '../tlog/note-key.js';

const fileName = 'witness.json';
/** Logs that were ever cosigned; none is forgotten. An origin and its checkpoint take some 500 bytes. */
const logsMax = 1024;

const seenShape = z.strictObject({
  origin: z.string(),
  size: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  root: z.base64().length(44),
  /** Of the cosignature, seconds since 1970. */
  time_s: z.number().int().min(0),
  /** The checkpoint as its log signed it: what shows a fork, should there be one. */
  note: z.string(),
});
const fileShape = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  seed: z.base64().length(44),
  logs: z.array(seenShape).max(logsMax),
});

/** The last checkpoint of a log that was cosigned. */
export type Seen = z.output<typeof seenShape>;

/**
 * Key and memory of a witness. They are one file, so that the key never comes back without what was signed with it: who deletes the file
 * begins as another witness.
 */
export class WitnessFile {
  readonly name: string;
  readonly seed: Buffer;
  readonly #path: string;
  #logs: Map<string, Seen>;

  private constructor(path: string, name: string, seed: Buffer, logs: readonly Seen[]) {
    this.#path = path;
    this.name = name;
    this.seed = seed;
    this.#logs = new Map(logs.map((log) => [log.origin, log]));
  }

  /**
   * Reads the file, or makes it with a new key.
   * @param name Of a witness that begins.
   * @throws LedgerFileError `ledger_unusable` for a file that is not what was written there.
   */
  static async open(folder: string, name: string): Promise<WitnessFile> {
    const path = join(folder, fileName);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(path, error);
      const made = new WitnessFile(path, name, randomBytes(seedBytes), []);
      await made.#write(made.#logs);
      return made;
    }
    try {
      const stored = fileShape.parse(JSON.parse(text));
      return new WitnessFile(path, stored.name, Buffer.from(stored.seed, 'base64'), stored.logs);
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /** Name and seed; undefined where the folder has no witness. */
  static async read(folder: string): Promise<WitnessFile | undefined> {
    try {
      await readFile(join(folder, fileName));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    }
    return WitnessFile.open(folder, '');
  }

  last(origin: string): Seen | undefined {
    return this.#logs.get(origin);
  }

  /** Remembers a checkpoint; durable when this resolves, and not known before. One call at a time. */
  async remember(seen: Seen): Promise<void> {
    const logs = new Map(this.#logs).set(seen.origin, seen);
    if (logs.size > logsMax) throw new RangeError(`a witness remembers at most ${logsMax} logs`);
    await this.#write(logs);
    this.#logs = logs;
  }

  #write(logs: ReadonlyMap<string, Seen>): Promise<void> {
    const file = {
      version: 1,
      name: this.name,
      seed: this.seed.toString('base64'),
      logs: [...logs.values()],
    };
    return writeFileAtomic(this.#path, `${JSON.stringify(file)}\n`);
  }
}

function unusable(path: string, error: unknown): LedgerFileError {
  const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
  return new LedgerFileError(
    'ledger_unusable',
    `${path}, the key and the memory of this witness, cannot be used: ${why}. Do not put an older copy back: it has forgotten what was cosigned since. Move it away to begin as another witness, with another key, or empty ledger.witness.logs.`,
  );
}
