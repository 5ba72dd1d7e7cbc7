import type { Constants, CoreFunctions } from './exports.js';
import { keyedHash } from './keyed-hash.js';

export interface RateLimitOptions {
  /** Tokens that come back in `intervalMs`: 120 in 60,000 ms are two a second. 1 to 10,000,000. */
  tokens: number;
  /** 1 to 86,400,000. */
  intervalMs: number;
  /** Tokens a bucket holds: what a client that was silent may take at once. 1 to 10,000,000. */
  burst: number;
}

/** A refusal is a value: `retryAfterMs` is at least 1. */
export type RateTaken = { ok: true } | { ok: false; retryAfterMs: number };

export interface RateCounters {
  refused: number;
  /** Clients that made room for another while their bucket was full: they lost nothing. */
  evicted: number;
  /** Clients that made room while they were in debt: nine or more of one set were at once. */
  evictedInDebt: number;
}

const accepted: RateTaken = { ok: true };

/**
 * A token bucket for each client, in the shared memory: 8,192 of them, in sets of 8 by a keyed hash. What a client takes is never more
 * than `burst` plus the rate, with any number of threads, for as long as its bucket is kept; it is given away while in debt only
 * when nine or more clients of one set are in debt at once. Then the one with the least debt makes room, its successor begins
 * with that debt, and when it returns it begins with the least debt there is. Times are monotonic ms of one clock.
 */
export class RateLimiter {
  readonly index: number;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;
  readonly #hashKey: readonly [number, number];
  readonly #hash = new Uint32Array(2);
  /** The client seen last, whose hash stands above: mostly the next one too. */
  #latest: string | undefined;

  /** Made by {@link RateLimiters}. */
  constructor(index: number, at: Constants, functions: CoreFunctions, hashKey: readonly [number, number]) {
    this.index = index;
    this.#at = at;
    this.#functions = functions;
    this.#hashKey = hashKey;
  }

  /** Takes one token from the client's bucket. */
  take(client: string, nowMs: number): RateTaken {
    const hash = this.#hash;
    if (client !== this.#latest) {
      keyedHash(client, this.#hashKey, hash);
      // The tag of an empty way is 0; one hash in 2^48 has it, and shares a bucket with another one.
      if (hash[1] === 0 && hash[0]! >>> 16 === 0) hash[1] = 1;
      this.#latest = client;
    }
    const waitMs = this.takeHashed(hash[0]!, hash[1]!, nowMs);
    return waitMs === 0 ? accepted : { ok: false, retryAfterMs: waitMs };
  }

  /**
   * The same for who has a keyed hash of the client already: two u32, of which 58 bits count. Returns 0, or the ms until there is
   * a token.
   */
  takeHashed(low: number, high: number, nowMs: number): number {
    if (!(nowMs >= 0 && nowMs < this.#at.TIME_MAX_MS)) {
      throw new RangeError(`a time must be from 0 to below ${this.#at.TIME_MAX_MS} ms, not ${nowMs}`);
    }
    return this.#functions.limiterTake(this.index, low, high, nowMs);
  }

  counters(): RateCounters {
    const at = this.#at;
    const read = (counter: number) => this.#functions.limiterCounter(this.index, counter);
    return {
      refused: read(at.LIMITER_REFUSED),
      evicted: read(at.LIMITER_EVICTED),
      evictedInDebt: read(at.LIMITER_EVICTED_IN_DEBT),
    };
  }
}

/** The rate limiters of the shared memory. */
export class RateLimiters {
  /** How many there can be. */
  readonly limiters: number;
  readonly #memory: SharedArrayBuffer;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;

  constructor(memory: SharedArrayBuffer, at: Constants, functions: CoreFunctions) {
    this.#memory = memory;
    this.#at = at;
    this.#functions = functions;
    this.limiters = at.LIMITER_COUNT;
  }

  /** A new limiter, every bucket full, for as long as the memory lives. Throws a RangeError for options out of bounds or when all are taken. */
  take(options: RateLimitOptions): RateLimiter {
    const at = this.#at;
    checkOption('tokens', options.tokens, at.LIMITER_TOKENS_MAX);
    checkOption('intervalMs', options.intervalMs, at.LIMITER_INTERVAL_MS_MAX);
    checkOption('burst', options.burst, at.LIMITER_BURST_MAX);
    const index = this.#functions.limiterOpen();
    if (index < 0) throw new RangeError(`all ${this.limiters} rate limiters of the core are taken`);
    const { tokens, intervalMs, burst } = options;
    const divisor = greatestCommonDivisor(tokens, intervalMs);
    this.#functions.limiterConfigure(index, tokens / divisor, intervalMs / divisor, burst);
    return this.#open(index);
  }

  /** The limiter that some thread has taken. Throws a RangeError when none has. */
  at(index: number): RateLimiter {
    const { LIMITER_FIRST, LIMITER_BYTES, LIMITER_READY } = this.#at;
    const fits = Number.isInteger(index) && index >= 0 && index < this.limiters;
    const ready = (LIMITER_FIRST + index * LIMITER_BYTES + LIMITER_READY) >> 2;
    if (!fits || Atomics.load(new Int32Array(this.#memory), ready) !== 1) {
      throw new RangeError(`there is no rate limiter ${index}`);
    }
    return this.#open(index);
  }

  #open(index: number): RateLimiter {
    const key = new Int32Array(this.#memory, this.#at.LIMITERS_HASH_KEY, 2);
    return new RateLimiter(index, this.#at, this.#functions, [key[0]!, key[1]!]);
  }
}

function checkOption(name: keyof RateLimitOptions, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new RangeError(`${name} must be a whole number from 1 to ${max}, not ${value}`);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
