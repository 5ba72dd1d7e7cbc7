import { describe, expect, test } from 'vitest';
import { pointsMax, RecentSamples } from './samples.js';

const sample = (wall_ms: number, cpu?: number) => ({
  wall_ms,
  monotonic_ms: wall_ms,
  absent: [],
  ...(cpu === undefined ? {} : { cpu }),
});

describe('recent samples', () => {
  test('an hour of five a second takes no more room than its points, and the last is always there', () => {
    const recent = new RecentSamples(600_000);
    for (let i = 0; i < 18_000; i++) recent.add(sample(i * 200, i));
    const { times, values } = recent.columns();
    expect(times.length).toBeLessThanOrEqual(pointsMax + 2);
    expect(times.length).toBeGreaterThan(pointsMax - 10);
    expect(values.cpu.at(-1)).toBe(17_999);
    expect(times.at(-1)! - times[0]!).toBeLessThanOrEqual(600);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test('slow samples are all kept within the span', () => {
    const recent = new RecentSamples(60_000);
    for (let i = 0; i <= 30; i++) recent.add(sample(i * 5000, i));
    expect(recent.columns().values.cpu).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  });

  test('a figure that cannot be read is a gap', () => {
    const recent = new RecentSamples();
    recent.replace([sample(1000, 5), sample(7000)]);
    expect(recent.columns().values.cpu).toEqual([5, null]);
    expect(recent.last?.wall_ms).toBe(7000);
  });
});
