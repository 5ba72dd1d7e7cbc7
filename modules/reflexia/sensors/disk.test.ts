import { expect, test } from 'vitest';
import { diskPercent, diskSensor } from './disk.js';

test('what is reserved for root is neither used nor there, as in df', () => {
  expect(diskPercent({ blocks: 1000, bfree: 300, bavail: 100 })).toBe(87.5);
  expect(diskPercent({ blocks: 1000, bfree: 0, bavail: 0 })).toBe(100);
});

test('a file system without blocks has no share', () => {
  expect(diskPercent({ blocks: 0, bfree: 0, bavail: 0 })).toBeUndefined();
});

test('the folder asked about is the one given, and its error is passed on', async () => {
  const sensor = diskSensor('some/folder', async (path) => {
    throw new Error(`cannot stat ${path}`);
  });
  await expect(sensor.read(new AbortController().signal)).rejects.toThrow('cannot stat some/folder');
});
