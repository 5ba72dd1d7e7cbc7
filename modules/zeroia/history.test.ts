import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamHistory } from './history.js';

test('a new stream has no history; its first value is its mean; later ones weigh a fifth', () => {
  const history = new StreamHistory(2);
  expect(history.mean('a')).toBeUndefined();
  history.add('a', 0.5);
  expect(history.mean('a')).toBe(0.5);
  history.add('a', 1);
  expect(history.mean('a')).toBeCloseTo(0.6);
});

test('the stream unused for longest is forgotten', () => {
  const history = new StreamHistory(2);
  history.add('a', 0.1);
  history.add('b', 0.2);
  history.add('a', 0.1);
  history.add('c', 0.3);
  expect([history.mean('a'), history.mean('b'), history.mean('c')]).toEqual([0.1, undefined, 0.3]);
});

test('the mean stays within what was seen, and the number of streams within its bound', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.double({ min: 0, max: 1, noNaN: true }))),
      (adds) => {
        const history = new StreamHistory(3);
        for (const [stream, pressure] of adds) history.add(stream, pressure);
        expect(history.size).toBeLessThanOrEqual(3);
        for (const stream of 'abcd') {
          const mean = history.mean(stream);
          if (mean !== undefined) expect(mean >= 0 && mean <= 1).toBe(true);
        }
      },
    ),
  );
});
