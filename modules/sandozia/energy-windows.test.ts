import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeviceSample, PowerReading } from '../../runtime/contracts/device.js';
import { EnergyWindows } from './energy-windows.js';
import { energyAnswer } from './schema.js';

const power: PowerReading = { watts: 5, source: 'model', estimated: true };
const sample = (atMs: number, joules?: number, more: Partial<DeviceSample['energy']> = {}): DeviceSample => ({
  wall_ms: 0,
  monotonic_ms: atMs,
  absent: [],
  ...(joules === undefined
    ? {}
    : { power, energy: { joules, prompt_joules: 0, prompts: 0, tokens: 0, ...more } }),
});

test('a device that does not tell its power has nothing to say', () => {
  const windows = new EnergyWindows();
  expect(windows.status()).toEqual({});
  for (let i = 0; i < 10; i++) windows.add(sample(i * 5000));
  expect(windows.status()).toEqual({});
});

test('the last hour and day of an even 5 W, with what prompts took of it', () => {
  const windows = new EnergyWindows();
  windows.add(sample(0, 0));
  expect(windows.status()).toEqual({ power });
  const minutes = 3 * 24 * 60;
  for (let i = 1; i <= minutes; i++) {
    // One prompt of ten tokens a minute, each 20 J.
    windows.add(sample(i * 60_000, i * 300, { prompt_joules: i * 20, prompts: i, tokens: i * 10 }));
  }
  const { last_hour, last_day } = windows.status();
  expect(last_hour).toEqual({
    ...{
      covers_ms: 3_600_000,
      joules: 18_000,
      mean_watts: 5,
      prompt_joules: 1200,
      requests: 60,
      tokens: 600,
    },
    ...{ joules_per_request: 20, joules_per_token: 2 },
  });
  expect(last_day).toMatchObject({ covers_ms: 86_400_000, joules: 432_000, requests: 1440 });
});

test('without a prompt there is no energy of one; after a start the window says how much it covers', () => {
  const windows = new EnergyWindows();
  for (let i = 0; i <= 12; i++) windows.add(sample(i * 5000, i * 25));
  expect(windows.status()).toEqual({
    power,
    last_hour: { covers_ms: 60_000, joules: 300, mean_watts: 5, prompt_joules: 0, requests: 0, tokens: 0 },
    last_day: { covers_ms: 60_000, joules: 300, mean_watts: 5, prompt_joules: 0, requests: 0, tokens: 0 },
  });
  windows.add(sample(65_000));
  expect(windows.status().power).toBeUndefined();
});

test('what earlier processes used goes on being in the windows until it is too old, and time off is not covered', () => {
  const windows = new EnergyWindows();
  const used = { joules: 1500, prompt_joules: 150, prompts: 5, tokens: 50 };
  const segment = (minutesAgo: number) => ({ endedAgoMs: minutesAgo * 60_000, lengthMs: 300_000, ...used });
  windows.recall([segment(10), segment(15), segment(52), segment(100)], 0);
  expect(windows.status()).toEqual({});
  windows.add(sample(0, 0));
  expect(windows.status()).toMatchObject({
    last_hour: { covers_ms: 900_000, joules: 4500, requests: 15, joules_per_request: 30 },
    last_day: { covers_ms: 1_200_000, joules: 6000 },
  });
  for (let i = 1; i <= 40; i++) windows.add(sample(i * 60_000, i * 300));
  expect(windows.status().last_hour).toMatchObject({ covers_ms: 3_000_000, joules: 12_000 + 3000 });
  for (let i = 41; i <= 60; i++) windows.add(sample(i * 60_000, i * 300));
  expect(windows.status().last_hour).toMatchObject({ covers_ms: 3_600_000, joules: 18_000, mean_watts: 5 });
});

test('an account that begins anew is no negative energy', () => {
  const windows = new EnergyWindows();
  for (let i = 0; i < 100; i++) windows.add(sample(i * 60_000, 1000 + i * 300));
  windows.add(sample(100 * 60_000, 0));
  expect(windows.status().last_hour).toBeUndefined();
  windows.add(sample(101 * 60_000, 300));
  expect(windows.status().last_hour).toMatchObject({ joules: 300, covers_ms: 60_000 });
});

test('whatever the accounts, what is told is in the published shape and never negative', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(4_000_000), fc.nat(1e6), fc.boolean()), { maxLength: 200 }),
      (steps) => {
        const windows = new EnergyWindows();
        let atMs = 0;
        let joules = 0;
        for (const [elapsed, more, anew] of steps) {
          atMs += elapsed;
          joules = anew ? 0 : joules + more;
          windows.add(sample(atMs, joules));
          const status = windows.status();
          expect(energyAnswer.parse(status)).toEqual(status);
          for (const window of [status.last_hour, status.last_day]) {
            if (window !== undefined) expect(window.joules).toBeGreaterThanOrEqual(0);
          }
          expect(status.last_hour?.covers_ms ?? 0).toBeLessThanOrEqual(3_600_000);
        }
      },
    ),
  );
});
