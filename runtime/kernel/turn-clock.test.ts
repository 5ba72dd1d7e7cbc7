import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTurnClock } from './turn-clock.js';

it('reads once a turn, and again in the next one', async () => {
  let readings = 0;
  const now = createTurnClock(() => ++readings);
  expect([now(), now()]).toEqual([1, 1]);
  await Promise.resolve();
  expect(now()).toBe(1);
  await turn();
  expect([now(), now()]).toEqual([2, 2]);
  await turn();
  await turn();
  expect(readings).toBe(2);
});

it('never gives a reading from before a wait', async () => {
  const now = createTurnClock(() => performance.now());
  for (let i = 0; i < 20; i++) {
    const before = performance.now();
    now();
    await pause(2);
    // Where the system kept the process waiting, the timer comes in the turn that set it.
    await turn();
    expect(now()).toBeGreaterThan(before);
    const afterWait = performance.now();
    await turn();
    expect(now()).toBeGreaterThanOrEqual(afterWait);
  }
});

it('is never ahead, and never goes back', async () => {
  const now = createTurnClock(() => performance.now());
  let last = 0;
  for (let i = 0; i < 200; i++) {
    const value = now();
    expect(value).toBeLessThanOrEqual(performance.now());
    expect(value).toBeGreaterThanOrEqual(last);
    last = value;
    await (i % 3 === 0 ? turn() : Promise.resolve());
  }
});
