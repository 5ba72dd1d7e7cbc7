import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Looks } from './looks.js';

const log = pino({ level: 'silent' });
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('looks when asked, once for several asks, and again when asked during a look', async () => {
  const looks = new Looks(3_600_000, log);
  const ends: (() => void)[] = [];
  looks.now();
  await turn();
  looks.begin(() => new Promise<void>((resolve) => ends.push(resolve)));
  expect(ends).toHaveLength(1);
  looks.now();
  looks.now();
  await turn();
  expect(ends).toHaveLength(1);
  ends[0]!();
  await turn();
  expect(ends).toHaveLength(2);
  ends[1]!();
  await turn();
  expect(ends).toHaveLength(2);
  looks.stop();
  looks.now();
  await turn();
  expect(ends).toHaveLength(2);
});

test('a look that fails does not end the looks', async () => {
  const looks = new Looks(3_600_000, log);
  let count = 0;
  looks.now();
  looks.begin(async () => {
    count++;
    throw new Error('blind');
  });
  await turn();
  looks.now();
  await turn();
  await turn();
  expect(count).toBe(2);
  looks.stop();
});
