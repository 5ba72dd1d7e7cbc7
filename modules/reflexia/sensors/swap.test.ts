import { expect, test } from 'vitest';
import { macos, pi4 } from '../fixtures/devices.js';
import { fakeMachine } from '../fixtures/machine.js';
import { parseSwap, parseSwapUsage, swapSensor } from './swap.js';

const signal = new AbortController().signal;

test('an empty swap is 0, no swap is nothing, and half is half', async () => {
  expect(await swapSensor(fakeMachine(pi4)).read(signal)).toBe(0);
  expect(parseSwap('SwapTotal:  0 kB\nSwapFree:  0 kB\n')).toBeUndefined();
  expect(parseSwap('SwapTotal:  200 kB\nSwapFree:  100 kB\n')).toBe(50);
  expect(await swapSensor(fakeMachine(macos)).read(signal)).toBe(49.68);
  expect(parseSwapUsage('total = 0.00M  used = 0.00M  free = 0.00M')).toBeUndefined();
});

test('a text that lacks a field is refused, not counted as empty', () => {
  expect(() => parseSwap('SwapTotal: 200 kB\n')).toThrow('SwapFree');
  expect(() => parseSwapUsage('total = 1.00M')).toThrow('vm.swapusage');
});
