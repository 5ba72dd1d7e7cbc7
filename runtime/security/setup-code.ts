import { randomBytes, timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Clock } from '../contracts/clock.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';

const LIFE_MS = 30 * 60_000;
const TRIES_MAX = 10;
/** Crockford's base32: no I, L, O or U, so that it can be read aloud. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHARS = 16;

/** What a person may have typed, in the form that we compare: upper case, no separators, look-alikes folded. */
function canonical(code: string): string {
  return code.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}

/**
 * The one-time code of a new appliance: 80 random bits in a 0600 file. It dies after use, ten wrong tries, or 30 minutes by the
 * monotonic clock; a code that was left in the file by an earlier run is not valid.
 */
export class SetupCode {
  readonly file: string;
  readonly #clock: Clock;
  #live: { code: string; untilMs: number; triesLeft: number } | null = null;

  constructor(file: string, clock: Clock) {
    this.file = file;
    this.#clock = clock;
  }

  /** Makes a new code in the file; an older one is dead. */
  async renew(): Promise<{ expires_ms: number }> {
    const code = [...randomBytes(CHARS)].map((byte) => alphabet[byte & 31]).join('');
    await writeFileAtomic(this.file, `${code.match(/.{4}/g)!.join('-')}\n`);
    this.#live = { code, untilMs: this.#clock.monotonicMs() + LIFE_MS, triesLeft: TRIES_MAX };
    return { expires_ms: this.#clock.wallMs() + LIFE_MS };
  }

  /** Whether the code is right; uses it up when it is, counts a try when it is not. */
  async redeem(code: string): Promise<boolean> {
    const live = this.#live;
    if (live === null) return false;
    if (this.#clock.monotonicMs() >= live.untilMs) return this.#kill(false);
    const given = Buffer.from(
      canonical(code)
        .padEnd(CHARS)
        .slice(0, 4 * CHARS),
    );
    const wanted = Buffer.from(live.code);
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) return this.#kill(true);
    live.triesLeft -= 1;
    return live.triesLeft === 0 ? this.#kill(false) : false;
  }

  /** The code is dead and its file gone. */
  async end(): Promise<void> {
    this.#live = null;
    await rm(this.file, { force: true });
  }

  async #kill(used: boolean): Promise<boolean> {
    await this.end();
    return used;
  }
}
