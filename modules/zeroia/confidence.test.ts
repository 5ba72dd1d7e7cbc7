import { expect, it } from 'vitest';
import { MeanConfidence } from './confidence.js';

it('tells a mean that moved by 0.05, at most once a minute, and tells again what could not be told', () => {
  const mean = new MeanConfidence();
  let now = 0;
  const next = (confidence: number) => {
    now += 10_000;
    return mean.learn(confidence, now);
  };
  for (let i = 0; i < 100; i++) expect(next(0.9)).toBeUndefined();
  const moves = Array.from({ length: 30 }, () => next(0.6)).filter((move) => move !== undefined);
  // Nobody said that it was told, so each is measured from the same mean, a minute apart.
  expect(moves.length).toBe(5);
  expect(moves.map(({ old }) => old)).toEqual(
    [0.9, 0.9, 0.9, 0.9, 0.9].map((old) => expect.closeTo(old, 10)),
  );
  const last = moves.at(-1)!;
  expect(last.new).toBeLessThan(0.61);
  mean.told(last);
  for (let i = 0; i < 30; i++) expect(next(0.6)).toBeUndefined();
});
