import type { RateLimitOptions } from '../rate-limiter.js';

const WAYS = 8;
const SETS = 1024;

interface Bucket {
  tag: string;
  /** When the bucket will be full again, in units of 1/tokens ms. */
  full: bigint;
}

/**
 * The rate limiter in plain TypeScript, for one thread: the slow twin that property tests hold against the hot core. Time is a
 * bigint in units of 1/tokens ms; with whole milliseconds it is exact.
 */
export class ReferenceRateLimiter {
  readonly counters = { refused: 0, evicted: 0, evictedInDebt: 0 };
  readonly #tokens: number;
  readonly #interval: bigint;
  readonly #ahead: bigint;
  readonly #sets = new Map<number, Bucket[]>();

  constructor({ tokens, intervalMs, burst }: RateLimitOptions) {
    let divisor = Math.min(tokens, intervalMs);
    while (tokens % divisor !== 0 || intervalMs % divisor !== 0) divisor--;
    this.#tokens = tokens / divisor;
    this.#interval = BigInt(intervalMs / divisor);
    this.#ahead = BigInt(burst - 1) * this.#interval;
  }

  takeHashed(low: number, high: number, nowMs: number): number {
    const now = BigInt(Math.trunc(nowMs * this.#tokens));
    const bucket = this.#bucket(low, high, now);
    const full = bucket.full > now ? bucket.full : now;
    const missing = full - now - this.#ahead;
    if (missing > 0n) {
      this.counters.refused++;
      const tokens = BigInt(this.#tokens);
      return Number((missing + tokens - 1n) / tokens);
    }
    bucket.full = full + this.#interval;
    return 0;
  }

  #bucket(low: number, high: number, now: bigint): Bucket {
    const set = low % SETS;
    const tag = `${high}:${low >>> 16}`;
    const buckets = this.#sets.get(set) ?? [];
    this.#sets.set(set, buckets);
    const known = buckets.find((bucket) => bucket.tag === tag);
    if (known !== undefined) return known;
    if (buckets.length < WAYS) {
      const bucket = { tag, full: 0n };
      buckets.push(bucket);
      return bucket;
    }
    const oldest = buckets.reduce((least, bucket) => (bucket.full < least.full ? bucket : least));
    this.counters[oldest.full > now ? 'evictedInDebt' : 'evicted']++;
    oldest.tag = tag;
    return oldest;
  }
}
