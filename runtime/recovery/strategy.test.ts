import { expect, test } from 'vitest';
import { planFor, waitMs } from './strategy.js';

test('a plan holds what there is a fixup for and always ends with a person', () => {
  expect(planFor('transient', new Set(['immediate_retry', 'restart']))).toEqual([
    'immediate_retry',
    'restart',
    'manual_intervention',
  ]);
  for (const kind of ['integrity', 'caller', 'permanent', 'overload'] as const) {
    expect(planFor(kind, new Set())).toEqual(['manual_intervention']);
  }
});

test('the first attempt does not wait; then up to twice as long each time, to the cap', () => {
  const bounds = [0, 1, 2, 3, 40].map((attempt) => waitMs(attempt, { baseMs: 100, capMs: 700 }, () => 1));
  expect(bounds).toEqual([0, 200, 400, 700, 700]);
  expect(waitMs(3, { baseMs: 100, capMs: 700 }, () => 0)).toBe(0);
});
