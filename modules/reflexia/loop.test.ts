import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Loop } from './loop.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function loopOf(task: (signal: AbortSignal) => Promise<void>) {
  const errors: unknown[] = [];
  const loop = new Loop({ intervalMs: 100, firstMs: 10, task, onError: (error) => errors.push(error) });
  return { loop, errors };
}

test('runs at its interval, and goes on when a run fails', async () => {
  let runs = 0;
  const { loop, errors } = loopOf(async () => {
    runs += 1;
    if (runs === 2) throw new Error('second');
  });
  loop.start();
  await vi.advanceTimersByTimeAsync(9);
  expect(runs).toBe(0);
  await vi.advanceTimersByTimeAsync(301);
  expect(runs).toBe(4);
  expect(errors).toEqual([new Error('second')]);
  await loop.stop();
});

test('one run at a time: a long one delays the next', async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  const { loop } = loopOf(async () => {
    runs += 1;
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 250));
    running -= 1;
  });
  loop.start();
  await vi.advanceTimersByTimeAsync(1000);
  expect(most).toBe(1);
  expect(runs).toBe(4);
  const stopped = loop.stop();
  await vi.advanceTimersByTimeAsync(250);
  await stopped;
});

test('stop tells the run that is under way, waits for it, and nothing runs after', async () => {
  let ended = false;
  let runs = 0;
  const { loop } = loopOf(async (signal) => {
    runs += 1;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => setTimeout(resolve, 50));
    });
    ended = true;
  });
  loop.start();
  await vi.advanceTimersByTimeAsync(10);
  const stopped = loop.stop();
  expect(ended).toBe(false);
  await vi.advanceTimersByTimeAsync(50);
  await stopped;
  expect(ended).toBe(true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(runs).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('stop before the first run', async () => {
  const { loop } = loopOf(async () => undefined);
  loop.start();
  await loop.stop();
  expect(vi.getTimerCount()).toBe(0);
});
