import { expect, it } from 'vitest';
import { Buckets } from './buckets.js';

it('gives so many at once, then at the steady rate, each name by itself', () => {
  const buckets = new Buckets(3);
  const take = (name: string, ms: number) => buckets.take(name, ms);
  expect([take('a', 0), take('a', 0), take('a', 0)].every(({ ok }) => ok)).toBe(true);
  expect(take('a', 0)).toEqual({ ok: false, retryAfterMs: 20_000 });
  expect(take('b', 0)).toEqual({ ok: true });
  expect(take('a', 19_999)).toEqual({ ok: false, retryAfterMs: 1 });
  expect(take('a', 20_000)).toEqual({ ok: true });
  expect(take('a', 20_000)).toEqual({ ok: false, retryAfterMs: 20_000 });
  // Silence does not add up beyond a full bucket.
  for (let n = 0; n < 3; n++) expect(take('a', 1e7)).toEqual({ ok: true });
  expect(take('a', 1e7).ok).toBe(false);
});

it('remembers a bounded number of names, and forgets none that is in debt', () => {
  const buckets = new Buckets(1);
  for (let n = 0; n < 4096; n++) expect(buckets.take(`n${n}`, 0).ok).toBe(true);
  expect(buckets.take('one more', 0)).toEqual({ ok: false, retryAfterMs: 60_000 });
  expect(buckets.take('n0', 30_000).ok).toBe(false);
  expect(buckets.take('one more', 60_000)).toEqual({ ok: true });
});
