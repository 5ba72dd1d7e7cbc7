import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DampedTrend, type TrendOptions } from './damped-trend.js';

const options: TrendOptions = {
  levelMs: 10_000,
  trendMs: 60_000,
  fadeMs: 150_000,
  jump: 5,
  gapMsMax: 60_000,
};
const endless = { ...options, fadeMs: 1e12 };

const after = (trend: DampedTrend, aheadMs: number) => trend.expectation()?.(aheadMs);

test('the first steps, as worked out by hand', () => {
  // With τ = Δt both constants are 1 − 1/e; the trend does not fade.
  const follow = 1 - Math.exp(-1);
  const trend = new DampedTrend({ ...endless, levelMs: 1000, trendMs: 1000, jump: 100 });
  trend.learn(10, 0);
  expect(after(trend, 5000)).toBe(10);
  trend.learn(12, 1000);
  const level = 10 + follow * 2;
  const slope = follow * follow * 2;
  expect(after(trend, 0)).toBeCloseTo(level, 12);
  expect(after(trend, 1000)).toBeCloseTo(level + slope, 6);
  trend.learn(14, 2000);
  const error = 14 - (level + slope);
  expect(after(trend, 0)).toBeCloseTo(level + slope + follow * error, 6);
});

test('nothing is expected before the first reading, and a constant stays', () => {
  const trend = new DampedTrend(options);
  expect(trend.expectation()).toBeUndefined();
  expect(trend.reachesMs(1)).toBeUndefined();
  for (let i = 0; i < 50; i++) trend.learn(42, i * 5000);
  expect(after(trend, 120_000)).toBe(42);
  expect(trend.reachesMs(42.1)).toBeUndefined();
  expect(trend.reachesMs(42)).toBe(0);
});

test('a straight line goes on, and its crossing is told', () => {
  const trend = new DampedTrend({ ...endless, jump: 100 });
  for (let i = 0; i <= 600; i++) trend.learn(20 + 0.05 * i, i * 5000);
  expect(after(trend, 0)).toBeCloseTo(50, 3);
  expect(after(trend, 100_000)).toBeCloseTo(51, 3);
  expect(trend.reachesMs(51)! / 1000).toBeCloseTo(100, 0);
});

test('an approach to an end is met when the trend fades as the approach does', () => {
  const trend = new DampedTrend({ ...options, trendMs: 20_000 });
  const at = (ms: number) => 80 - 40 * Math.exp(-ms / 150_000);
  for (let ms = 0; ms <= 150_000; ms += 5000) trend.learn(at(ms), ms);
  expect(Math.abs(after(trend, 120_000)! - at(270_000))).toBeLessThan(1.5);
  expect(trend.reachesMs(85)).toBeUndefined();
});

test('a jump moves the level and not the trend; two the same way are a trend', () => {
  const trend = new DampedTrend(options);
  for (let i = 0; i < 20; i++) trend.learn(40, i * 5000);
  trend.learn(60, 100_000);
  expect(after(trend, 120_000)).toBe(60);
  trend.learn(80, 105_000);
  expect(after(trend, 120_000)! - after(trend, 0)!).toBeGreaterThan(5);
});

test('after a gap all is learned anew', () => {
  const trend = new DampedTrend({ ...endless, jump: 100 });
  for (let i = 0; i < 100; i++) trend.learn(i, i * 5000);
  trend.learn(7, 100 * 5000 + 60_001);
  expect(after(trend, 120_000)).toBe(7);
});

test('whatever comes, and whenever, it stays finite, bounded and says the same for the same', () => {
  const reading = fc.oneof(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 0),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(reading, fc.nat(100_000)), { maxLength: 200 }), (steps) => {
      const [one, other] = [new DampedTrend(options), new DampedTrend(options)];
      let atMs = 0;
      let seen = false;
      for (const [value, elapsed] of steps) {
        atMs += elapsed;
        one.learn(value, atMs);
        other.learn(value, atMs);
        seen ||= Number.isFinite(value);
        const expected = after(one, 120_000);
        expect(expected === undefined).toBe(!seen);
        if (expected === undefined) continue;
        expect(Number.isFinite(expected)).toBe(true);
        expect(after(other, 120_000)).toBe(expected);
        const reaches = one.reachesMs(500);
        if (reaches === undefined) continue;
        expect(reaches).toBeGreaterThanOrEqual(0);
        // Where it says that the limit is reached, it expects the limit.
        if (reaches > 0) expect(after(one, reaches)).toBeCloseTo(500, 3);
      }
    }),
  );
});

test('a series that is moved or scaled gives a forecast that is moved or scaled', () => {
  const series = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 2, maxLength: 60 });
  fc.assert(
    fc.property(series, fc.integer({ min: -50, max: 50 }), (values, by) => {
      const [one, moved, scaled] = [0, 1, 2].map(() => new DampedTrend({ ...options, jump: 1e9 }));
      values.forEach((value, i) => {
        one!.learn(value, i * 5000);
        moved!.learn(value + by, i * 5000);
        scaled!.learn(value * 3, i * 5000);
      });
      expect(after(moved!, 60_000)!).toBeCloseTo(after(one!, 60_000)! + by, 6);
      expect(after(scaled!, 60_000)!).toBeCloseTo(after(one!, 60_000)! * 3, 6);
    }),
  );
});
