import { expect, test } from 'vitest';
import { SAMPLES_MAX, SampleHistory } from './history.js';

test('keeps the last ones only, oldest first', () => {
  const history = new SampleHistory();
  expect(history.last).toBeUndefined();
  for (let at = 0; at <= SAMPLES_MAX; at += 1) history.add({ wall_ms: at, monotonic_ms: at, absent: [] });
  expect(history.all()).toHaveLength(SAMPLES_MAX);
  expect(history.all()[0]?.monotonic_ms).toBe(1);
  expect(history.last?.monotonic_ms).toBe(SAMPLES_MAX);
});
