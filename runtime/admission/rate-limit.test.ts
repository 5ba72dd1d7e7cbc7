import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRateLimiter } from './rate-limit.js';

function setUp(perSecond: number, burst: number, clientsMax = 100) {
  const time = { ms: 1000 };
  return { time, limiter: createRateLimiter({ perSecond, burst, clientsMax, now: () => time.ms }) };
}

test('the burst passes at once, then the steady rate; a refusal says when to come back', () => {
  const { time, limiter } = setUp(2, 3);
  for (let i = 0; i < 3; i++) expect(limiter.take('a')).toEqual({ ok: true });
  expect(limiter.take('a')).toEqual({ ok: false, retryAfterMs: 500 });
  time.ms += 499;
  expect(limiter.take('a')).toEqual({ ok: false, retryAfterMs: 1 });
  time.ms += 1;
  expect(limiter.take('a').ok).toBe(true);
  expect(limiter.take('a').ok).toBe(false);
});

test('clients do not share a bucket; the one unseen for longest is forgotten', () => {
  const { limiter } = setUp(1, 1, 2);
  limiter.take('a');
  limiter.take('b');
  expect(limiter.take('a').ok).toBe(false);
  limiter.take('c');
  expect(limiter.take('a').ok).toBe(false);
  expect(limiter.take('b').ok).toBe(true);
});

test.each([
  { perSecond: 0, burst: 1, clientsMax: 1 },
  { perSecond: Number.NaN, burst: 1, clientsMax: 1 },
  { perSecond: 1, burst: 0, clientsMax: 1 },
  { perSecond: 1, burst: 1, clientsMax: 0 },
])('%j is refused', (options) => {
  expect(() => createRateLimiter({ ...options, now: () => 0 })).toThrow(RangeError);
});

/** A bucket of tokens, filled bit by bit: what the algorithm must equal. Times are multiples of the interval's quarter. */
test('it agrees with a bucket that is filled token by token', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 80 }),
      (burst, waits) => {
        const { time, limiter } = setUp(250, burst);
        let quarters = burst * 4;
        for (const wait of waits) {
          time.ms += wait;
          quarters = Math.min(burst * 4, quarters + wait);
          const expected = quarters >= 4;
          if (expected) quarters -= 4;
          expect(limiter.take('a').ok).toBe(expected);
        }
      },
    ),
  );
});
