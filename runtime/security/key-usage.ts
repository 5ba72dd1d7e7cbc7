import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type KeyDay, type KeyMeter, type KeyRecord, type KeyUsage, keyDay } from '../contracts/access.js';
import type { RateVerdict } from '../contracts/admission.js';
import type { Clock } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Days that are kept of each key. */
const daysMax = 31;
/** What was counted is on the disk after so long: a crash loses no more. */
const writeAfterMs = 5000;

const stored = z.strictObject({
  version: z.literal(1),
  keys: z.record(z.string(), z.record(z.string().regex(/^\d{4}-\d\d-\d\d$/), keyDay)),
});

interface Counted {
  days: Map<string, KeyDay>;
  /** When the next request of the key's own rate conforms, in monotonic ms: the theoretical arrival time of GCRA. */
  nextMs: number;
}

export interface KeyUsageOptions {
  clock: Clock;
  keyOf(id: string): KeyRecord | undefined;
  onProblem(message: string, error: unknown): void;
}

const none = (): KeyDay => ({ requests: 0, refused: 0, prompts: 0, prompt_tokens: 0, completion_tokens: 0 });

/**
 * What each key did by day of UTC, in one file of the data folder, and the key's own rate and budget. A day is that of the wall clock. A
 * prompt that begins within the budget is answered in full, so what is under way at once may go beyond it.
 */
export class KeyUsageBook implements KeyMeter {
  readonly #file: string;
  readonly #options: KeyUsageOptions;
  readonly #keys: Map<string, Counted>;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #today = { number: Number.NaN, name: '' };

  private constructor(file: string, keys: Map<string, Counted>, options: KeyUsageOptions) {
    this.#file = file;
    this.#keys = keys;
    this.#options = options;
  }

  /** @throws Error with what to do when the file is damaged. */
  static async open(file: string, options: KeyUsageOptions): Promise<KeyUsageBook> {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new KeyUsageBook(file, new Map(), options);
    }
    try {
      const { keys } = stored.parse(JSON.parse(text));
      const counted = Object.entries(keys)
        .filter(([id]) => options.keyOf(id) !== undefined)
        .map(([id, days]) => [id, { days: new Map(Object.entries(days)), nextMs: 0 }] as const);
      return new KeyUsageBook(file, new Map(counted), options);
    } catch (cause) {
      throw new Error(
        `${file} does not hold the usage of keys; restore it from a backup, or remove it to count anew`,
        { cause },
      );
    }
  }

  request(keyId: string): RateVerdict {
    const { clock, keyOf } = this.#options;
    const day = this.#day(keyId);
    const rate = keyOf(keyId)?.requests_per_minute;
    if (rate !== undefined) {
      const counted = this.#keys.get(keyId)!;
      const nowMs = clock.monotonicMs();
      const stepMs = MINUTE_MS / rate;
      // A minute's worth at once, as the first minute would give.
      const waitMs = counted.nextMs - nowMs - (MINUTE_MS - stepMs);
      if (waitMs > 0) {
        day.refused += 1;
        this.#changed();
        return { ok: false, retryAfterMs: Math.ceil(waitMs) };
      }
      counted.nextMs = Math.max(counted.nextMs, nowMs) + stepMs;
    }
    day.requests += 1;
    this.#changed();
    return { ok: true };
  }

  admitPrompt(keyId: string): void {
    const budget = this.#options.keyOf(keyId)?.tokens_per_day;
    if (budget === undefined) return;
    const day = this.#day(keyId);
    if (day.prompt_tokens + day.completion_tokens < budget) return;
    day.refused += 1;
    this.#changed();
    const retryAfterMs = DAY_MS - (this.#options.clock.wallMs() % DAY_MS);
    throw new AppError(
      'rate_limited',
      `This key has used its ${budget} tokens of today; the next day begins at 00:00 UTC.`,
      { retryAfterMs },
    );
  }

  spend(keyId: string, tokens: { prompt_tokens: number; completion_tokens: number }): void {
    const day = this.#day(keyId);
    day.prompts += 1;
    // What an engine says is not ours to trust: only whole, positive figures count.
    day.prompt_tokens += whole(tokens.prompt_tokens);
    day.completion_tokens += whole(tokens.completion_tokens);
    this.#changed();
  }

  usage(keys: readonly KeyRecord[]): KeyUsage[] {
    return keys.map(({ id, name, role, tokens_per_day }) => ({
      id,
      name,
      role,
      ...(tokens_per_day === undefined ? {} : { tokens_per_day }),
      days: Object.fromEntries(
        [...(this.#keys.get(id)?.days ?? [])].map(([date, figures]) => [date, { ...figures }]),
      ),
    }));
  }

  forget(id: string): void {
    if (this.#keys.delete(id)) this.#changed();
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#write();
    }
    await this.#writing;
  }

  #day(keyId: string): KeyDay {
    const number = Math.floor(this.#options.clock.wallMs() / DAY_MS);
    if (number !== this.#today.number) {
      this.#today = { number, name: new Date(number * DAY_MS).toISOString().slice(0, 10) };
    }
    const { name } = this.#today;
    let counted = this.#keys.get(keyId);
    if (counted === undefined) {
      counted = { days: new Map(), nextMs: 0 };
      this.#keys.set(keyId, counted);
    }
    let found = counted.days.get(name);
    if (found === undefined) {
      found = none();
      const byDate = ([a]: [string, KeyDay], [b]: [string, KeyDay]) => (a < b ? -1 : 1);
      // Today stays, also where the clock has gone back behind all others.
      const others = [...counted.days].sort(byDate).slice(-(daysMax - 1));
      counted.days = new Map([...others, [name, found] as [string, KeyDay]].sort(byDate));
    }
    return found;
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#write();
    }, writeAfterMs).unref();
  }

  #write(): void {
    this.#writing = this.#writing.then(async () => {
      const keys = Object.fromEntries(
        [...this.#keys].map(([id, { days }]) => [id, Object.fromEntries(days)] as const),
      );
      try {
        await writeFileAtomic(this.#file, `${JSON.stringify({ version: 1, keys })}\n`);
      } catch (error) {
        this.#options.onProblem('the usage of keys could not be written; it is tried again', error);
        this.#changed();
      }
    });
  }
}

function whole(value: number): number {
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}
