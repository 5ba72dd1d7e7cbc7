import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Core } from './index.js';
import type { RateLimiter, RateLimitOptions } from './rate-limiter.js';
import { ReferenceRateLimiter } from './reference/gcra.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
if (long) vi.setConfig({ testTimeout: 600_000 });
const numRuns = long ? 100_000 : 3000;
const base: RateLimitOptions = { tokens: 2, intervalMs: 1000, burst: 3 };
let core = Core.create();
let taken = 0;

function make(options: Partial<RateLimitOptions> = {}): RateLimiter {
  if (taken === core.limiters.limiters) {
    core = Core.create();
    taken = 0;
  }
  taken++;
  return core.limiters.take({ ...base, ...options });
}

/** The limiter of which each property run uses a set of its own, so that a table serves 1024 runs. */
class Tables {
  #left = 0;
  #limiter: RateLimiter | undefined;
  readonly #options: RateLimitOptions;

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  next(): { limiter: RateLimiter; set: number } {
    if (this.#limiter === undefined || this.#left === 0) {
      this.#limiter = Core.create().limiters.take(this.#options);
      this.#left = 1024;
    }
    this.#left--;
    return { limiter: this.#limiter, set: this.#left };
  }
}

describe('rate limiter', () => {
  it.each([
    ['tokens', 10_000_000],
    ['intervalMs', 86_400_000],
    ['burst', 10_000_000],
  ] as const)('refuses a bad %s', (name, max) => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, max + 1]) {
      expect(() => make({ [name]: value })).toThrow(
        new RangeError(`${name} must be a whole number from 1 to ${max}, not ${value}`),
      );
    }
    expect(make({ [name]: max }).take('a', 0).ok).toBe(true);
  });

  it('refuses times that cannot be, and limiters that are not there', () => {
    const limiter = make();
    for (const now of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 38]) {
      expect(() => limiter.take('a', now)).toThrow(RangeError);
    }
    const own = Core.create();
    expect(() => own.limiters.at(0)).toThrow('there is no rate limiter 0');
    own.limiters.take(base);
    own.limiters.take(base);
    expect(() => own.limiters.take(base)).toThrow('all 2 rate limiters');
    expect(() => own.limiters.at(2)).toThrow(RangeError);
  });

  it('gives the burst, then the steady rate, and says when to come back', () => {
    const limiter = make();
    expect([1, 2, 3].map(() => limiter.take('a', 7).ok)).toEqual([true, true, true]);
    expect(limiter.take('a', 7)).toEqual({ ok: false, retryAfterMs: 500 });
    expect(limiter.take('b', 7)).toEqual({ ok: true });
    expect(limiter.take('a', 506)).toEqual({ ok: false, retryAfterMs: 1 });
    expect(limiter.take('a', 507)).toEqual({ ok: true });
    expect(limiter.take('a', 507).ok).toBe(false);
    expect(limiter.counters()).toEqual({ refused: 3, evicted: 0, evictedInDebt: 0 });
  });

  it('is one limiter for every thread that attaches, with one hash', () => {
    const own = Core.create();
    const limiter = own.limiters.take({ ...base, burst: 1 });
    const other = Core.attach(own.share.memory, own.share.module).limiters.at(limiter.index);
    expect(limiter.take('a', 0).ok).toBe(true);
    expect(other.take('a', 0).ok).toBe(false);
    expect(other.take('b', 0).ok).toBe(true);
    expect(limiter.take('b', 0).ok).toBe(false);
  });

  it('hashes with a key of its own in each memory', () => {
    const keys = [1, 2, 3].map(() => {
      const { memory } = Core.create().share;
      return Buffer.from(memory.buffer, core.layout.LIMITERS_HASH_KEY, 8).toString('hex');
    });
    expect(new Set(keys).size).toBe(3);
  });

  it('keeps thousands of clients apart', () => {
    const limiter = make({ burst: 1 });
    const clients = Array.from({ length: 1000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    for (const client of clients) expect(limiter.take(client, 0).ok).toBe(true);
    for (const client of clients) expect(limiter.take(client, 0).ok).toBe(false);
    expect(limiter.counters()).toEqual({ refused: 1000, evicted: 0, evictedInDebt: 0 });
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
      fc.property(size, takes, ({ startMs, ...options }, steps) => {
        let nowMs = startMs;
        const limiter = make(options);
        const twin = new ExactBuckets(options);
        for (const { client, waitMs } of steps) {
          nowMs += waitMs;
          expect(limiter.take(client, nowMs)).toEqual(twin.take(client, BigInt(nowMs)));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('a set with more clients than ways', () => {
  /** The hash of client `i` of a set. */
  const client = (i: number, set = 5) => [set + 1024 * i * 64, i + 1] as const;

  it('agrees with the reference on every history', () => {
    const kinds: RateLimitOptions[] = [
      { tokens: 1, intervalMs: 100, burst: 1 },
      { tokens: 7, intervalMs: 50, burst: 4 },
      { tokens: 9_999_999, intervalMs: 1000, burst: 3 },
      { tokens: 3, intervalMs: 86_399_999, burst: 2 },
    ];
    const tables = kinds.map((options) => new Tables(options));
    const step = fc.record({
      who: fc.nat(11),
      // Mostly forward; sometimes a thread brings an older reading of the clock.
      passes: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) },
        { weight: 2, arbitrary: fc.double({ min: 0, max: 0.01, noNaN: true }) },
        { weight: 1, arbitrary: fc.integer({ min: -80, max: -1 }) },
      ),
    });
    const start = fc.constantFrom(1000, 123_456_789.123, 274_877_800_000);
    fc.assert(
      fc.property(
        fc.nat(3),
        start,
        fc.array(step, { maxLength: 80, size: 'max' }),
        (kind, startMs, steps) => {
          const { limiter, set } = tables[kind]!.next();
          const before = limiter.counters();
          const twin = new ReferenceRateLimiter(kinds[kind]!);
          let nowMs = startMs;
          for (const { who, passes } of steps) {
            nowMs += passes;
            const [low, high] = client(who, set);
            expect(limiter.takeHashed(low, high, nowMs)).toBe(twin.takeHashed(low, high, nowMs));
          }
          const { refused, evicted, evictedInDebt } = limiter.counters();
          expect({
            refused: refused - before.refused,
            evicted: evicted - before.evicted,
            evictedInDebt: evictedInDebt - before.evictedInDebt,
          }).toEqual(twin.counters);
        },
      ),
      { numRuns },
    );
  });

  it('gives away the full bucket that is oldest, and its client loses nothing', () => {
    const limiter = make({ tokens: 1, intervalMs: 100, burst: 1 });
    for (let i = 0; i < 8; i++) expect(limiter.takeHashed(...client(i), i)).toBe(0);
    // The buckets of 0 to 4 are full again at 104; the one of 5 at 105.
    expect(limiter.takeHashed(...client(8), 104)).toBe(0);
    expect(limiter.counters()).toMatchObject({ evicted: 1, evictedInDebt: 0 });
    // 1 to 7 are still there, so 5 to 7 still wait.
    expect([5, 6, 7].map((i) => limiter.takeHashed(...client(i), 104))).toEqual([1, 2, 3]);
    // 0 takes the place of 1, with a full bucket.
    expect(limiter.takeHashed(...client(0), 104)).toBe(0);
    expect(limiter.counters()).toMatchObject({ evicted: 2, evictedInDebt: 0 });
  });

  it('gives away the least debt when all are in debt, and the debt goes along', () => {
    const limiter = make({ tokens: 1, intervalMs: 100, burst: 1 });
    for (let i = 0; i < 8; i++) limiter.takeHashed(...client(i), i);
    expect(limiter.takeHashed(...client(8), 50)).toBe(50);
    expect(limiter.takeHashed(...client(0), 50)).toBe(50);
    expect(limiter.counters()).toMatchObject({ evicted: 0, evictedInDebt: 2 });
  });

  it('lets no number of identities take more than eight buckets give', () => {
    const limiter = make({ tokens: 1, intervalMs: 100, burst: 5 });
    let got = 0;
    for (let nowMs = 0; nowMs <= 1000; nowMs++) {
      for (let i = 0; i < 3; i++) {
        if (limiter.takeHashed(...client(3 * nowMs + i), nowMs) === 0) got++;
      }
    }
    expect(got).toBeLessThanOrEqual(8 * (5 + 10));
    expect(got).toBeGreaterThan(8 * (5 + 9) - 1);
  });

  it('goes on where a thread died after it had claimed a way', () => {
    const own = Core.create();
    const limiter = own.limiters.take({ ...base, burst: 1 });
    const { LIMITER_FIRST, LIMITER_SETS, LIMITER_SET_BYTES } = own.layout;
    const claim = (LIMITER_FIRST + LIMITER_SETS + 5 * LIMITER_SET_BYTES) >> 3;
    // Version 1, way 2.
    Atomics.store(new BigInt64Array(own.share.memory.buffer), claim, (1n << 4n) | 3n);
    for (let i = 0; i < 8; i++) expect(limiter.takeHashed(...client(i), 0)).toBe(0);
    for (let i = 0; i < 8; i++) expect(limiter.takeHashed(...client(i), 0)).toBe(500);
    expect(limiter.counters().evicted).toBe(0);
  });

  it('goes on when the versions of its keys begin again', () => {
    const limiter = make({ tokens: 1, intervalMs: 1, burst: 1 });
    for (let i = 0; i < 70_000; i++) expect(limiter.takeHashed(...client(i % 9), i)).toBe(0);
    expect(limiter.counters()).toEqual({ refused: 0, evicted: 70_000 - 8, evictedInDebt: 0 });
  });
});

/** The textbook bucket with whole numbers: its level is counted in tokens × intervalMs. */
class ExactBuckets {
  readonly #levels = new Map<string, { level: bigint; atMs: bigint }>();
  readonly #tokens: bigint;
  readonly #intervalMs: bigint;
  readonly #burst: bigint;

  constructor({ tokens, intervalMs, burst }: RateLimitOptions) {
    this.#tokens = BigInt(tokens);
    this.#intervalMs = BigInt(intervalMs);
    this.#burst = BigInt(burst);
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
