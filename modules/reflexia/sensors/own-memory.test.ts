import { expect, test } from 'vitest';
import { ownMemorySensor } from './own-memory.js';

test('tells what it is given, in bytes', async () => {
  expect(await ownMemorySensor(() => 52_428_800).read(new AbortController().signal)).toBe(52_428_800);
});
