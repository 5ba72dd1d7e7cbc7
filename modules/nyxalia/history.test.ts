import { expect, test } from 'vitest';
import { DeviceHistory } from './history.js';

const sample = (ms: number, cpu?: number, throttled?: boolean) => ({
  wall_ms: 1_000_000 + ms,
  monotonic_ms: ms,
  absent: [],
  ...(cpu === undefined ? {} : { cpu }),
  ...(throttled === undefined ? {} : { throttled }),
});

test('means over steps of fifteen seconds and five minutes; a figure that was not read is null', () => {
  const history = new DeviceHistory();
  for (let ms = 0; ms < 45_000; ms += 5000) history.add(sample(ms, ms / 1000));
  history.add(sample(46_000, undefined, true));
  expect(history.read('hour')).toMatchObject({
    step_ms: 15_000,
    wall_ms: [1_010_000, 1_025_000, 1_040_000, 1_046_000],
    cpu: [5, 20, 35, null],
    throttled: [false, false, false, true],
  });
  expect(history.read('day').cpu).toEqual([20]);
});

test('keeps an hour and a day, whatever comes, and a gap leaves no step', () => {
  const history = new DeviceHistory();
  for (let ms = 0; ms < 3 * 86_400_000; ms += 60_000) history.add(sample(ms, 1));
  expect([history.read('hour').cpu.length, history.read('day').cpu.length]).toEqual([240, 288]);
  history.add(sample(10 * 86_400_000, 2));
  expect(history.read('day').cpu.slice(-2)).toEqual([1, 2]);
});
