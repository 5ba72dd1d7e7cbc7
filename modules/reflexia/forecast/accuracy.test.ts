import { expect, test } from 'vitest';
import { Accuracy, JUDGED_MIN } from './accuracy.js';

const leadMs = 24_000;
const options = { leadMs, errorMin: 1 };

/** Promises and judges a forecaster that is off by `error` on a figure that moves by `step` in a lead. */
function play(
  accuracy: Accuracy,
  { from, count, step, error }: Record<'from' | 'count' | 'step' | 'error', number>,
) {
  const perMs = step / leadMs;
  let nowMs = from;
  for (let i = 0; i < count; i++, nowMs += 1000) {
    const reading = nowMs * perMs;
    accuracy.judge(reading, nowMs);
    accuracy.promise((aheadMs) => reading + aheadMs * perMs + error, reading, nowMs);
  }
  return nowMs;
}

test('a perfect forecast has 0, the naive one 1, and one that points the wrong way 2', () => {
  for (const [error, mase] of [
    [0, 0],
    [-10, 1],
    [-20, 2],
    [5, 0.5],
  ] as const) {
    const accuracy = new Accuracy(options);
    play(accuracy, { from: 0, count: 200, step: 10, error });
    expect(accuracy.mase).toBeCloseTo(mase, 9);
  }
});

test('nothing is judged before its time, and it is learning until it was judged often enough', () => {
  const accuracy = new Accuracy(options);
  expect([accuracy.state, accuracy.mase, accuracy.judged]).toEqual(['learning', null, 0]);
  let nowMs = play(accuracy, { from: 0, count: 24, step: 10, error: 0 });
  expect(accuracy.judged).toBe(0);
  nowMs = play(accuracy, { from: nowMs, count: JUDGED_MIN - 1, step: 10, error: 0 });
  expect([accuracy.state, accuracy.judged]).toEqual(['learning', JUDGED_MIN - 1]);
  play(accuracy, { from: nowMs, count: 1, step: 10, error: 0 });
  expect([accuracy.state, accuracy.judged]).toEqual(['good', JUDGED_MIN]);
});

test('a bad one is muted until it is good again', () => {
  const accuracy = new Accuracy(options);
  let nowMs = play(accuracy, { from: 0, count: 100, step: 10, error: 0 });
  nowMs = play(accuracy, { from: nowMs, count: 400, step: 10, error: -20 });
  expect(accuracy.state).toBe('muted');
  expect(accuracy.mase).toBeGreaterThan(1.15);
  nowMs = play(accuracy, { from: nowMs, count: 30, step: 10, error: 0 });
  expect(accuracy.state).toBe('muted');
  play(accuracy, { from: nowMs, count: 400, step: 10, error: 0 });
  expect(accuracy.state).toBe('good');
});

test('errors that do not matter mute nobody, and a figure that stands still divides by nothing', () => {
  const accuracy = new Accuracy(options);
  play(accuracy, { from: 0, count: 200, step: 0, error: 0.5 });
  expect([accuracy.state, accuracy.mase]).toEqual(['good', 0.5]);
});

test('what was forecast before something was done about it is not judged by what comes', () => {
  const accuracy = new Accuracy(options);
  const nowMs = play(accuracy, { from: 0, count: 6, step: 10, error: 100 });
  // Five seconds are less than a quarter of its time.
  accuracy.settle(0, nowMs - 1000);
  accuracy.judge(0, nowMs + leadMs);
  expect([accuracy.judged, accuracy.mase]).toEqual([0, null]);
});

test('the oldest of it is judged by what has come so far once it has had a quarter of its time', () => {
  const accuracy = new Accuracy(options);
  // After six seconds the figure has moved by 2.5, and the forecast is off by 5.
  play(accuracy, { from: 0, count: 7, step: 10, error: 5 });
  accuracy.settle(2.5, 6000);
  expect([accuracy.judged, accuracy.mase]).toEqual([1, 2]);
  accuracy.settle(2.5, 6000);
  expect(accuracy.judged).toBe(1);
});

test('one that is wrong again and again is muted though the level changes after each alarm', () => {
  const accuracy = new Accuracy(options);
  let nowMs = 0;
  for (let i = 0; i < 2 * JUDGED_MIN; i++) {
    nowMs = play(accuracy, { from: nowMs, count: 8, step: 10, error: 20 });
    accuracy.settle(((nowMs - 1000) * 10) / leadMs, nowMs - 1000);
  }
  expect(accuracy.state).toBe('muted');
});

test('after a pause the forecasts of before are too old to be judged', () => {
  const accuracy = new Accuracy(options);
  const nowMs = play(accuracy, { from: 0, count: 10, step: 10, error: 100 });
  accuracy.judge(0, nowMs + 10 * leadMs);
  expect([accuracy.judged, accuracy.mase]).toEqual([0, null]);
});
