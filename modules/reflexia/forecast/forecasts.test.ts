import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configSchema } from '../../../runtime/config/schema.js';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import { statusAnswer } from '../schema.js';
import { Forecasts } from './forecasts.js';

const config = configSchema.parse({}).reflexia;
const stepMs = config.interval_ms;

const sample = (atMs: number, figures: Partial<DeviceSample>): DeviceSample => ({
  wall_ms: 0,
  monotonic_ms: atMs,
  absent: [],
  ...figures,
});

test('a figure that is absent has no forecast, and none is left over when it goes', () => {
  const forecasts = new Forecasts(config);
  forecasts.take(sample(0, { ram: 40 }));
  expect(Object.keys(forecasts.last)).toEqual(['ram']);
  expect(forecasts.last.ram).toEqual({
    state: 'learning',
    horizon_ms: 120_000,
    value: 40,
    limit: 95,
    crosses_in_ms: null,
    mase: null,
    judged: 0,
  });
  forecasts.take(sample(stepMs, { temperature_c: 50, disk: 30 }));
  expect(Object.keys(forecasts.last)).toEqual(['temperature_c', 'disk']);
  forecasts.take(sample(2 * stepMs, {}));
  expect(forecasts.last).toEqual({});
});

test('memory that fills evenly: the crossing is told before it comes, and comes then', () => {
  const forecasts = new Forecasts(config);
  const perMs = 0.1 / stepMs;
  let toldMs: number | undefined;
  for (let ms = 0; 40 + ms * perMs < 95; ms += stepMs) {
    forecasts.take(sample(ms, { ram: 40 + ms * perMs }));
    const { state, crosses_in_ms } = forecasts.last.ram!;
    if (state === 'good' && crosses_in_ms !== null) toldMs ??= ms + crosses_in_ms;
  }
  const crossMs = 55 / perMs;
  expect(Math.abs(toldMs! - crossMs)).toBeLessThan(40_000);
});

test('a forecaster that is wrong again and again is muted, said once, and heard again when it is right', () => {
  const forecasts = new Forecasts(config);
  const told: string[] = [];
  let ms = 0;
  const take = (temperature_c: number) => {
    for (const { figure, state, mase } of forecasts.take(sample(ms, { temperature_c }))) {
      expect(mase).toBeGreaterThan(0);
      told.push(`${figure} ${state}`);
    }
    ms += stepMs;
  };
  // A saw of two leads a tooth: whatever it has learned of the rise is wrong after the turn.
  for (let i = 0; i < 400; i++) take(50 + (i % 48 < 24 ? (i % 24) * 0.8 : 20 - (i % 24) * 0.8));
  expect(told).toEqual(['temperature_c muted']);
  expect(forecasts.last.temperature_c).toMatchObject({ state: 'muted' });
  for (let i = 0; i < 400; i++) take(50);
  expect(told).toEqual(['temperature_c muted', 'temperature_c good']);
});

test('whatever is read, what is said is finite, within what the figure can be, and in the published shape', () => {
  const maybe = (min: number, max: number) =>
    fc.option(fc.double({ min, max, noNaN: true }), { nil: undefined });
  const figures = fc.record({ temperature_c: maybe(-60, 150), ram: maybe(0, 100), disk: maybe(0, 100) });
  const shape = statusAnswer.shape.forecasts;
  fc.assert(
    fc.property(fc.array(fc.tuple(figures, fc.nat(20_000)), { maxLength: 150 }), (steps) => {
      const forecasts = new Forecasts(config);
      let ms = 0;
      for (const [read, elapsed] of steps) {
        ms += elapsed;
        const known = Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
        forecasts.take(sample(ms, known));
        expect(shape.parse(forecasts.last)).toEqual(forecasts.last);
        expect(Object.keys(forecasts.last).sort()).toEqual(Object.keys(known).sort());
        for (const { value, crosses_in_ms, horizon_ms } of Object.values(forecasts.last)) {
          expect(value).toBeGreaterThanOrEqual(-60);
          expect(value).toBeLessThanOrEqual(150);
          if (crosses_in_ms !== null) expect(crosses_in_ms).toBeLessThanOrEqual(horizon_ms);
        }
      }
    }),
  );
});
