import { expect, test } from 'vitest';
import { GarbageMeter } from './garbage-meter.js';

test('counts the pauses while it is started, and starts again from nothing when they are taken', async () => {
  const meter = new GarbageMeter();
  meter.start();
  try {
    let ms = 0;
    let kept: unknown[] = [];
    while (ms === 0) {
      kept = Array.from({ length: 200_000 }, (_, at) => ({ at }));
      await new Promise((resolve) => setTimeout(resolve, 1));
      ms = meter.take();
    }
    expect(kept).toHaveLength(200_000);
    expect(ms).toBeGreaterThan(0);
    expect(meter.take()).toBe(0);
  } finally {
    meter.stop();
  }
});
