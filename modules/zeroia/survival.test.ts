import { expect, test } from 'vitest';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import { SurvivalRule } from './survival.js';

const sample = (figures: Partial<DeviceSample>): DeviceSample => ({
  wall_ms: 0,
  monotonic_ms: 0,
  absent: [],
  ...figures,
});
const rule = () => new SurvivalRule({ temperature_c: 90, ram: 98, disk: 101, samples: 3 }, 0.1);

test('a figure asks after its samples in a row, and until it is clear of its limit', () => {
  const survival = rule();
  expect([90, 95, 90].map((t) => survival.asks(sample({ temperature_c: t })))).toEqual([
    undefined,
    undefined,
    'temperature_c 90.0',
  ]);
  expect(survival.asks(sample({ temperature_c: 81 }))).toBe('temperature_c 81.0');
  expect(survival.asks(sample({ temperature_c: 80.9 }))).toBeUndefined();
  expect(survival.asks(sample({ temperature_c: 90 }))).toBeUndefined();
});

test('one sample below, or without the figure, starts the count anew; 101 is never reached', () => {
  const survival = rule();
  for (const ram of [99, 99, 97.9, 99, 99]) {
    expect(survival.asks(sample({ ram, disk: 100 }))).toBeUndefined();
  }
  expect(survival.asks(sample({}))).toBeUndefined();
  expect(survival.asks(sample({ ram: 99 }))).toBeUndefined();
});
