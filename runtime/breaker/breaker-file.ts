import { readFile, rename, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { SavedBreaker } from '../../core-wasm/index.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

/** 256 breakers take some 50 KB. */
const bytesMax = 1_048_576;
const breakersMax = 256;
const countMax = 2_147_483_647;

const whole = z.number().int().min(0).max(countMax);
const breakerShape = z
  .strictObject({
    state: z.enum(['closed', 'open', 'half_open', 'forced_open', 'disabled', 'metrics_only']),
    step: z.number().int().min(0).max(31),
    open_ms: z.number().min(0).max(31_536_000_000),
    calls: whole,
    failures: whole,
    slow: whole,
  })
  .refine(
    ({ calls, failures, slow }) => failures <= calls && slow <= calls,
    'more failed or slow than calls',
  );
const fileShape = z.strictObject({
  version: z.literal(1),
  /** Wall time of the writing, for people only: nothing is computed from it. */
  written_ms: z.number(),
  breakers: z
    .record(z.string().min(1).max(200), breakerShape)
    .refine((breakers) => Object.keys(breakers).length <= breakersMax, 'too many breakers'),
});

/** The part of a logger that this file needs. */
interface Log {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/**
 * Reads what was saved. A file that is damaged, foreign or of another version is set aside as `<path>.set-aside` with a line in the
 * log, and there is nothing saved then: a breaker that begins closed costs some failed calls, a start that fails costs everything.
 */
export async function readBreakerFile(path: string, log: Log): Promise<Map<string, SavedBreaker>> {
  try {
    const { size } = await stat(path);
    if (size > bytesMax) throw new RangeError(`it has ${size} bytes, more than ${bytesMax}`);
    const { breakers } = fileShape.parse(JSON.parse(await readFile(path, 'utf8')));
    return new Map(
      Object.entries(breakers).map(([name, { state, step, open_ms, calls, failures, slow }]) => [
        name,
        { state, step, openMs: open_ms, window: { calls, failures, slow } },
      ]),
    );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    log.warn({ err: error, file: path }, 'the saved breakers cannot be read; they begin closed');
    await rename(path, `${path}.set-aside`).catch((failed: unknown) =>
      log.error({ err: failed, file: path }, 'the saved breakers could not be set aside'),
    );
    return new Map();
  }
}

export interface BreakerFileOptions {
  path: string;
  /** Wall ms, for the report in the file. */
  wallMs: () => number;
  /** What to save, asked when a write begins. */
  save: () => ReadonlyMap<string, SavedBreaker>;
  log: Log;
  /** Writes a file whole or not at all; a simulation gives its own. */
  write?: typeof writeFileAtomic;
}

/** Writes the breakers at every change: changes of one turn are one write, and at most one write is under way. */
export class BreakerFile {
  readonly #options: BreakerFileOptions;
  #changed = false;
  #writing: Promise<void> | undefined;

  constructor(options: BreakerFileOptions) {
    this.#options = options;
  }

  /** Has the present state written soon. A write that fails is logged; the next change tries again. */
  changed(): void {
    this.#changed = true;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Writes the last state and waits for it. */
  async close(): Promise<void> {
    this.changed();
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#changed) {
      // What else changes in this turn comes along.
      await new Promise<void>((resolve) => setImmediate(resolve));
      this.#changed = false;
      const { path, log, write = writeFileAtomic } = this.#options;
      try {
        await write(path, this.#text());
      } catch (error) {
        log.error({ err: error, file: path }, 'the breakers could not be saved');
      }
    }
  }

  #text(): string {
    const breakers: z.infer<typeof fileShape>['breakers'] = {};
    for (const [name, { state, step, openMs, window }] of this.#options.save()) {
      breakers[name] = { state, step, open_ms: openMs, ...window };
    }
    return `${JSON.stringify({ version: 1, written_ms: this.#options.wallMs(), breakers }, null, 1)}\n`;
  }
}
