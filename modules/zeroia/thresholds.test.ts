import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/fake-context.js';
import { AdaptiveThresholds, type AdaptOptions } from './thresholds.js';

const base = {
  cpu: { monitor: 60, reduce: 80 },
  ram: { monitor: 75, reduce: 90 },
  temperatureC: { monitor: 70, reduce: 78 },
};
const defaults: AdaptOptions = {
  enabled: true,
  step: 0.03,
  loweredMax: 0.15,
  intervalMs: 60_000,
  hysteresis: 0.05,
};

function make(options: Partial<AdaptOptions> = {}) {
  const clock = new ManualClock();
  const thresholds = new AdaptiveThresholds(base, { ...defaults, ...options }, clock);
  /** Samples of one figure, each a minute after the last; what moved is applied. */
  const sample = (cpu: number, count: number) =>
    Array.from({ length: count }, () => {
      clock.advance(60_000);
      const due = thresholds.learn({ cpu });
      for (const one of due) thresholds.apply(one);
      return due;
    }).flat();
  return { clock, thresholds, sample };
}

test('a mean above the monitor threshold lowers both by a step a minute, down to the bound; calm raises them again', () => {
  const { thresholds, sample } = make();
  expect(sample(70, 1)).toEqual([
    {
      figure: 'cpu',
      old: { monitor: 60, reduce: 80 },
      new: { monitor: 58.2, reduce: 77.6 },
      base: { monitor: 60, reduce: 80 },
      why: 'cpu_mean_above_60',
      mean: 70,
      steps: 1,
    },
  ]);
  expect(sample(70, 20)).toHaveLength(4);
  expect(thresholds.current.cpu).toEqual({ monitor: 51, reduce: 68 });
  expect(thresholds.current.ram).toEqual(base.ram);
  const raised = sample(10, 60);
  expect(raised).toHaveLength(5);
  expect(raised[0]?.why).toBe('cpu_mean_below_57');
  expect(thresholds.current).toEqual(base);
});

test('nothing moves before the interval has passed, between the two edges, or before it is applied', () => {
  const { clock, thresholds, sample } = make();
  clock.advance(59_999);
  expect(thresholds.learn({ cpu: 100 })).toEqual([]);
  clock.advance(1);
  expect(thresholds.learn({ cpu: 100 })).toHaveLength(1);
  expect(thresholds.current).toEqual(base);
  expect(thresholds.learn({ cpu: 100 })).toHaveLength(1);
  const calm = make();
  expect(calm.sample(61, 2)).toHaveLength(2);
  expect(calm.sample(59, 100).filter(({ why }) => why.includes('below'))).toEqual([]);
  expect(sample(100, 1)).toHaveLength(1);
});

test('a figure that the platform does not tell, and adapt = false, move nothing', () => {
  const { clock, thresholds } = make();
  clock.advance(60_000);
  expect(thresholds.learn({})).toEqual([]);
  expect(make({ enabled: false }).sample(100, 10)).toEqual([]);
});

test('whatever the history, thresholds stay within their bounds and moves keep their interval', () => {
  const options = fc.record({
    step: fc.double({ min: 0.001, max: 0.5, noNaN: true }),
    loweredMax: fc.double({ min: 0, max: 0.5, noNaN: true }),
    hysteresis: fc.double({ min: 0, max: 0.5, noNaN: true }),
  });
  const value = fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined });
  const history = fc.array(
    fc.tuple(fc.record({ cpu: value, ram: value, temperatureC: value }), fc.integer({ min: 0, max: 90_000 })),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(options, history, (given, samples) => {
      const { clock, thresholds } = make(given);
      const movedMs = { cpu: 0, ram: 0, temperatureC: 0 };
      for (const [figures, waitMs] of samples) {
        clock.advance(waitMs);
        for (const due of thresholds.learn(figures)) {
          expect(due.old).toEqual(thresholds.current[due.figure]);
          expect(due.new).not.toEqual(due.old);
          expect(clock.monotonicMs() - movedMs[due.figure]).toBeGreaterThanOrEqual(60_000);
          movedMs[due.figure] = clock.monotonicMs();
          thresholds.apply(due);
        }
        for (const figure of ['cpu', 'ram', 'temperatureC'] as const) {
          for (const level of ['monitor', 'reduce'] as const) {
            const now = thresholds.current[figure][level];
            expect(now).toBeLessThanOrEqual(base[figure][level]);
            expect(now).toBeGreaterThanOrEqual(base[figure][level] * (1 - given.loweredMax));
          }
        }
      }
    }),
    { numRuns: process.env.ARKALIA_TEST_LONG === '1' ? 5000 : 300 },
  );
});

test('whatever was learned before, and under whatever settings, thresholds stay within their bounds and come back up', () => {
  fc.assert(
    fc.property(
      fc.record({ cpu: fc.nat(1000), ram: fc.nat(1000), temperatureC: fc.nat(1000) }),
      fc.double({ min: 0.001, max: 0.5, noNaN: true }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      (steps, step, loweredMax) => {
        const clock = new ManualClock();
        const thresholds = new AdaptiveThresholds(base, { ...defaults, step, loweredMax }, clock, steps);
        for (const figure of ['cpu', 'ram', 'temperatureC'] as const) {
          for (const edge of ['monitor', 'reduce'] as const) {
            const [now, top] = [thresholds.current[figure][edge], base[figure][edge]];
            expect(now).toBeGreaterThanOrEqual(top * (1 - loweredMax));
            expect(now).toBeLessThanOrEqual(top);
          }
        }
        const before = thresholds.current.cpu;
        clock.advance(60_000);
        for (const due of thresholds.learn({ cpu: 0 })) thresholds.apply(due);
        if (before.monitor < base.cpu.monitor)
          expect(thresholds.current.cpu.monitor + thresholds.current.cpu.reduce).toBeGreaterThan(
            before.monitor + before.reduce,
          );
        const off = new AdaptiveThresholds(base, { ...defaults, enabled: false }, clock, steps);
        expect(off.current).toEqual(base);
      },
    ),
    { numRuns: 200 },
  );
});
