import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateLimiter, type RateLimitOptions } from './rate-limit.js';

const base: RateLimitOptions = { tokens: 2, intervalMs: 1000, burst: 3, clientsMax: 16, nowMs: () => 0 };

describe('rate limiter', () => {
  it.each(['tokens', 'intervalMs', 'burst', 'clientsMax'] as const)('refuses a bad %s', (name) => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createRateLimiter({ ...base, [name]: value })).toThrow(
        new RangeError(`${name} must be a whole number from 1, not ${value}`),
      );
    }
  });

  it('gives the burst, then the steady rate, and says when to come back', () => {
    let nowMs = 7;
    const limiter = createRateLimiter({ ...base, nowMs: () => nowMs });
    expect([1, 2, 3].map(() => limiter.take('a').ok)).toEqual([true, true, true]);
    expect(limiter.take('a')).toEqual({ ok: false, retryAfterMs: 500 });
    expect(limiter.take('b')).toEqual({ ok: true });
    nowMs += 499;
    expect(limiter.take('a')).toEqual({ ok: false, retryAfterMs: 1 });
    nowMs += 1;
    expect(limiter.take('a')).toEqual({ ok: true });
    expect(limiter.take('a').ok).toBe(false);
  });

  it('forgets the client unseen for longest, and only that one', () => {
    const limiter = createRateLimiter({ ...base, burst: 1, clientsMax: 2 });
    expect(['a', 'b', 'a', 'c', 'a', 'c', 'b'].map((client) => limiter.take(client).ok)).toEqual([
      true,
      true,
      false, // a is the newest again, b the oldest
      true, // b is forgotten for c
      false,
      false,
      true, // b starts anew
    ]);
  });

  it('agrees with an exact bucket', () => {
    const takes = fc.array(fc.record({ client: fc.constantFrom('a', 'b', 'c'), waitMs: fc.nat(300) }), {
      maxLength: 200,
    });
    const size = fc.record({
      tokens: fc.integer({ min: 1, max: 50 }),
      intervalMs: fc.integer({ min: 1, max: 2000 }),
      burst: fc.integer({ min: 1, max: 8 }),
      startMs: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(size, takes, ({ tokens, intervalMs, burst, startMs }, steps) => {
        let nowMs = startMs;
        const limiter = createRateLimiter({ tokens, intervalMs, burst, clientsMax: 3, nowMs: () => nowMs });
        const twin = new ExactBuckets(BigInt(tokens), BigInt(intervalMs), BigInt(burst));
        for (const { client, waitMs } of steps) {
          nowMs += waitMs;
          expect(limiter.take(client)).toEqual(twin.take(client, BigInt(nowMs)));
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** The textbook bucket with whole numbers: its level is counted in tokens × intervalMs. */
class ExactBuckets {
  readonly #levels = new Map<string, { level: bigint; atMs: bigint }>();
  readonly #tokens: bigint;
  readonly #intervalMs: bigint;
  readonly #burst: bigint;

  constructor(tokens: bigint, intervalMs: bigint, burst: bigint) {
    this.#tokens = tokens;
    this.#intervalMs = intervalMs;
    this.#burst = burst;
  }

  take(client: string, nowMs: bigint) {
    const full = this.#burst * this.#intervalMs;
    const bucket = this.#levels.get(client) ?? { level: full, atMs: nowMs };
    const refilled = bucket.level + (nowMs - bucket.atMs) * this.#tokens;
    // Math.min takes no bigint.
    const level = refilled < full ? refilled : full;
    if (level >= this.#intervalMs) {
      this.#levels.set(client, { level: level - this.#intervalMs, atMs: nowMs });
      return { ok: true };
    }
    this.#levels.set(client, { level, atMs: nowMs });
    const missing = this.#intervalMs - level;
    return { ok: false, retryAfterMs: Number((missing + this.#tokens - 1n) / this.#tokens) };
  }
}
