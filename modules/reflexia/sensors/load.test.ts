import { expect, test } from 'vitest';
import { loadSensor } from './load.js';

const signal = new AbortController().signal;

test('the first of the three means, and none where the platform has none', async () => {
  expect(await loadSensor('linux', () => [1.2345, 9, 9]).read(signal)).toBe(1.23);
  expect(await loadSensor('win32', () => [0, 0, 0]).read(signal)).toBeUndefined();
});
