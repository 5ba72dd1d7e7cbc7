import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { ConcurrencyLimit, ConcurrencyOptions } from './concurrency-limit.js';
import { Core } from './index.js';
import { ReferenceConcurrencyLimit } from './reference/concurrency.js';
import type { LimitThreadTask } from './testing/limit-thread.js';
import { createGate, runThreads } from './testing/run-threads.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
if (long) vi.setConfig({ testTimeout: 600_000 });
const numRuns = long ? 100_000 : 3000;
const base: ConcurrencyOptions = {
  min: 1,
  max: 50,
  initial: 4,
  queue: 0.5,
  tolerance: 1.2,
  smoothing: 0.2,
  window: 600,
};
let core = Core.create();
let taken = 0;

function take(options: Partial<ConcurrencyOptions> = {}): ConcurrencyLimit {
  if (taken === core.limits.limits) {
    core = Core.create();
    taken = 0;
  }
  taken++;
  return core.limits.take({ ...base, ...options });
}

const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const options = fc
  .record({
    min: fc.integer({ min: 1, max: 1000 }),
    max: fc.integer({ min: 1, max: 1000 }),
    initial: fc.integer({ min: 1, max: 1000 }),
    queue: fc.oneof(fc.constantFrom(0.5, 4), between(0.1, 100)),
    tolerance: fc.oneof(fc.constantFrom(1, 1.2), between(1, 100)),
    smoothing: fc.oneof(fc.constantFrom(0.2, 1), between(0.01, 1)),
    window: fc.oneof(fc.constantFrom(1, 600), fc.integer({ min: 1, max: 1_000_000 })),
  })
  .map((some) => {
    const [min, initial, max] = [some.min, some.initial, some.max].sort((a, b) => a - b) as [
      number,
      number,
      number,
    ];
    return { ...some, min, initial, max };
  });
const sample = fc.record({
  rttMs: fc.oneof(
    { weight: 6, arbitrary: between(1, 400) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 2 ** 38, maxExcluded: true, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 5e-324, 1e-3) },
  ),
  // Mostly as many as are allowed, so that the limit moves.
  share: fc.oneof(fc.constant(1), between(0, 2)),
  dropped: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
});

describe('concurrency limit', () => {
  it('agrees with the reference on every history, to the bit, and keeps its bounds', () => {
    fc.assert(
      fc.property(options, fc.array(sample, { maxLength: 100 }), (chosen, samples) => {
        const limit = take(chosen);
        const twin = new ReferenceConcurrencyLimit(chosen);
        for (const { rttMs, share, dropped } of samples) {
          const inFlight = Math.max(1, Math.round(limit.now() * share));
          limit.sample(rttMs, inFlight, dropped);
          twin.sample(rttMs, inFlight, dropped);
          expect(limit.exact()).toBe(twin.exact());
          expect(limit.now()).toBeGreaterThanOrEqual(chosen.min);
          expect(limit.now()).toBeLessThanOrEqual(chosen.max);
        }
        const { longRttMs, samples: sampled, dropped } = twin;
        expect(limit.figures()).toEqual({ longRttMs, samples: sampled, dropped });
      }),
      { numRuns },
    );
  });

  it('finds the slots of a simulated engine, and follows when they change', () => {
    // An engine with slots: who comes beyond them waits. Its RTT is that of the last one in.
    const rtt = (inFlight: number, slots: number) => 100 * Math.max(1, inFlight / slots);
    const limit = take({ initial: 1 });
    const run = (slots: number, times: number) => {
      for (let i = 0; i < times; i++) limit.sample(rtt(limit.now(), slots), limit.now(), false);
      return limit.now();
    };
    const eight = run(8, 300);
    expect(eight).toBeGreaterThanOrEqual(8);
    expect(eight).toBeLessThanOrEqual(16);
    const two = run(2, 100);
    expect(two).toBeLessThan(eight);
    expect(run(32, 600)).toBeGreaterThan(30);
  });

  it('does not grow while less than half of it is used', () => {
    const limit = take({ initial: 10 });
    for (let i = 0; i < 100; i++) limit.sample(10, 4, false);
    expect(limit.now()).toBe(10);
    limit.sample(10, 5, false);
    expect(limit.exact()).toBeGreaterThan(10);
  });

  it('backs off by a tenth for each dropped call, down to its minimum, and learns no RTT from it', () => {
    const limit = take({ initial: 20, min: 3 });
    limit.sample(5000, 20, true);
    expect(limit.now()).toBe(18);
    for (let i = 0; i < 40; i++) limit.sample(5000, 1, true);
    expect(limit.exact()).toBe(3);
    expect(limit.figures()).toEqual({ longRttMs: 0, samples: 0, dropped: 41 });
  });

  it.each([
    ['min', [0, 51, 1.5, Number.NaN]],
    ['max', [0, 1001, 1.5]],
    ['initial', [0, 51, 1.5]],
    ['queue', [0, 101, Number.NaN]],
    ['tolerance', [0.9, 101]],
    ['smoothing', [0, 1.1]],
    ['window', [0, 1_000_001, 1.5]],
  ] as const)('refuses %s out of bounds', (name, values) => {
    for (const value of values)
      expect(() => take({ [name]: value })).toThrow(new RegExp(`^${name} must be a`));
  });

  it('refuses samples and limits that cannot be', () => {
    const limit = take();
    for (const rtt of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 38]) {
      expect(() => limit.sample(rtt, 1, false)).toThrow(RangeError);
    }
    for (const inFlight of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => limit.sample(1, inFlight, false)).toThrow(RangeError);
    }
    const own = Core.create();
    expect(() => own.limits.at(0)).toThrow('there is no concurrency limit 0');
    for (let i = 0; i < own.limits.limits; i++) own.limits.take(base);
    expect(() => own.limits.take(base)).toThrow('all 256 concurrency limits');
    expect(own.limits.at(255)).toMatchObject({ index: 255, max: 50 });
    expect(() => own.limits.at(256)).toThrow(RangeError);
  });
});

describe('concurrency limit under several threads', () => {
  const threads = 3;
  const rounds = long ? 20_000 : 2000;

  async function run(limit: ConcurrencyLimit, samples: LimitThreadTask['samples'][]): Promise<number[][]> {
    const gate = createGate();
    const tasks = samples.map((own): LimitThreadTask => {
      return { share: core.share, limit: limit.index, samples: own, rounds, threads, gate };
    });
    return await runThreads<number[]>(new URL('./testing/limit-thread.js', import.meta.url), tasks);
  }

  it('loses no sample: whatever their order, equal ones end where one thread ends', async () => {
    const limit = take({ initial: 1, max: 1000 });
    const one = { rttMs: 20, inFlight: 1000, dropped: false };
    await run(limit, [[one], [one], [one]]);
    const twin = new ReferenceConcurrencyLimit({ ...base, initial: 1, max: 1000 });
    for (let i = 0; i < threads * rounds; i++) twin.sample(20, 1000, false);
    expect([limit.exact(), limit.figures()]).toEqual([
      twin.exact(),
      { longRttMs: twin.longRttMs, samples: threads * rounds, dropped: 0 },
    ]);
  });

  it('keeps its bounds and its counts while they pull it both ways', async () => {
    const limit = take({ min: 2, initial: 2, max: 9 });
    const grow = { rttMs: 10, inFlight: 9, dropped: false };
    const shrink = { rttMs: 900, inFlight: 9, dropped: true };
    const seen = await run(limit, [[grow, grow, grow], [grow, shrink], [{ ...grow, rttMs: 30 }]]);
    expect(Math.min(...seen.map(([least]) => least!))).toBeGreaterThanOrEqual(2);
    expect(Math.max(...seen.map(([, most]) => most!))).toBeLessThanOrEqual(9);
    const { longRttMs, samples, dropped } = limit.figures();
    expect([samples, dropped]).toEqual([5 * rounds, rounds]);
    expect(longRttMs).toBeGreaterThanOrEqual(10);
    expect(longRttMs).toBeLessThanOrEqual(30);
  });
});

it('the regions of limits, limiters and sketches do not overlap', () => {
  const at = core.layout;
  expect(at.LIMITER_FIRST + at.LIMITER_COUNT * at.LIMITER_BYTES).toBeLessThanOrEqual(at.LIMIT_FIRST - 64);
  expect(at.LIMIT_FIRST + at.LIMIT_COUNT * at.LIMIT_BYTES).toBeLessThanOrEqual(at.SKETCH_FIRST - 64);
});
