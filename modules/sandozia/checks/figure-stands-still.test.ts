import { expect, test } from 'vitest';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import { FigureStandsStill } from './figure-stands-still.js';

const sample = (figures: Partial<DeviceSample>): DeviceSample => ({
  wall_ms: 0,
  monotonic_ms: 0,
  absent: [],
  ...figures,
});

test('a load that is the same to the digit for two minutes is worth a word, until it moves', () => {
  const check = new FigureStandsStill();
  for (let i = 0; i < 23; i++) check.sampled(sample({ cpu: 12.34 }));
  expect(check.compare()).toEqual({ level: 'ok' });
  check.sampled(sample({ cpu: 12.34 }));
  expect(check.compare()).toEqual({
    level: 'info',
    fault: 'stands_still',
    evidence: { figure: 'cpu', value: 12.34, samples: 24 },
  });
  check.sampled(sample({ cpu: 12.35 }));
  expect(check.compare()).toEqual({ level: 'ok' });
});

test('a figure at its end, one that is absent, and a board that is even are no news', () => {
  const check = new FigureStandsStill();
  for (let i = 0; i < 600; i++)
    check.sampled(sample({ cpu: 100, temperature_c: 50, ...(i % 100 === 0 ? {} : { ram: 30 }) }));
  expect(check.compare()).toEqual({ level: 'ok' });
});
