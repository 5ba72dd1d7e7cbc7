import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalise } from './words.js';

test.each([
  ['L’ÉTAT du cœur, SVP !', 'l etat du coeur svp'],
  ['What is reflexia.interval_ms?', 'what is reflexia.interval_ms'],
  ['It is hot. Why...', 'it is hot why'],
  ['... .hidden', 'hidden'],
  ['\u202e"* OR NEAR(', 'or near'],
  ['', ''],
])('%j', (text, expected) => {
  expect(normalise(text)).toBe(expected);
});

test('nothing but a-z, 0-9, _ and . in words with one space between them is left of any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(normalise(text)).toMatch(/^([a-z0-9_.]+( [a-z0-9_.]+)*)?$/);
    }),
  );
});
