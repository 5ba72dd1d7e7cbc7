import { expect, test } from 'vitest';
import { eventLoopSensor } from './event-loop.js';

const signal = new AbortController().signal;

function histogram(count: number, max: number) {
  return {
    count,
    max,
    resets: 0,
    reset() {
      this.resets += 1;
    },
  };
}

test('the period of the timer is taken off, and the next reading starts anew', async () => {
  const delays = histogram(50, 145_500_000);
  expect(await eventLoopSensor(delays, 20).read(signal)).toBe(125.5);
  expect(delays.resets).toBe(1);
});

test('a tick that came early is no negative delay', async () => {
  expect(await eventLoopSensor(histogram(3, 19_800_000), 20).read(signal)).toBe(0);
});

test('no tick measured means no value', async () => {
  expect(await eventLoopSensor(histogram(0, 0), 20).read(signal)).toBeUndefined();
});
