import { expect, test } from 'vitest';
import { macos, pi4, pi5, x86Virtual } from '../fixtures/devices.js';
import { fakeMachine } from '../fixtures/machine.js';
import { clockPlausibleSensor, clockStepSensor, clockSynchronisedSensor } from './clock.js';

const signal = new AbortController().signal;

test('a step is what the wall clock moved beyond the time that passed, either way', async () => {
  const times = { wall: 1_800_000_000_000, monotonic: 5 };
  const sensor = clockStepSensor({ wallMs: () => times.wall, monotonicMs: () => times.monotonic });
  expect(await sensor.read(signal)).toBeUndefined();
  times.wall += 5000;
  times.monotonic += 5000.2;
  expect(await sensor.read(signal)).toBe(0);
  times.wall += 86_400_000 + 5000;
  times.monotonic += 5000;
  expect(await sensor.read(signal)).toBe(86_400_000);
  times.wall -= 86_400_000;
  expect(await sensor.read(signal)).toBe(-86_400_000);
});

test('a clock before the program was made is not plausible', async () => {
  const plausible = (wallMs: number) =>
    clockPlausibleSensor({ wallMs: () => wallMs, monotonicMs: () => 0 }).read(signal);
  expect(await plausible(0)).toBe(false);
  expect(await plausible(Date.UTC(2026, 0, 1) - 1)).toBe(false);
  expect(await plausible(Date.UTC(2026, 0, 1))).toBe(true);
});

test.each([
  ['followed', pi4, true],
  ['timesyncd runs and has not reached a server', pi5, false],
  ['no timesyncd', x86Virtual, undefined],
  ['macOS', macos, undefined],
])('a time server: %s', async (_name, device, expected) => {
  expect(await clockSynchronisedSensor(fakeMachine(device)).read(signal)).toBe(expected);
});
