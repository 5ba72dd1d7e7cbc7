import fc from 'fast-check';
import { expect, test } from 'vitest';
import { factorNames, type Score } from '../../../runtime/contracts/decision.js';
import { floorScore } from '../../../test/support/fake-context.js';
import { ConfidenceCoherence } from './confidence-coherence.js';

const input = { cpu: 10, ram: 20, severity: 'normal' } as const;
const score: Score = {
  ...floorScore(input),
  confidence: 0.3,
  factors: [
    { name: 'system_health', score: 0.15, weight: 0.8, share: 0.12 },
    { name: 'consistency', score: 0.9, weight: 0.2, share: 0.18 },
  ],
  absent: ['error_rate'],
};

function found(change: Partial<Score>) {
  const check = new ConfidenceCoherence();
  check.decided({ id: 'd-1', stream: 'device', input, score: { ...score, ...change }, index: 4 });
  return check.compare();
}
const [health, consistency] = score.factors;

test('shares that make up the confidence are ok', () => {
  expect(found({})).toEqual({ level: 'ok' });
  expect(found({ confidence: 0.3 + 9e-7 })).toEqual({ level: 'ok' });
});

test.each<[string, Partial<Score>]>([
  ['confidence_differs', { confidence: 0.31 }],
  ['confidence_differs', { confidence: Number.NaN }],
  ['share_differs', { factors: [{ ...health!, share: 0.13 }, consistency!] }],
  ['weights_differ', { factors: [health!], confidence: 0.12 }],
  ['absent_factor_counts', { absent: ['consistency'] }],
  ['no_factor', { factors: [] }],
])('%s', (fault, change) => {
  expect(found(change)).toMatchObject({
    level: 'critical',
    fault,
    evidence: { decision: 'd-1', decision_index: 4, count: 1 },
  });
});

test('whatever the weights and scores, a sum made by the rule is ok and a moved one is not', () => {
  const part = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const sum = parts.reduce((total, [, weight]) => total + weight, 0);
      const factors = parts.map(([value, raw], i) => {
        const weight = raw / sum;
        return { name: factorNames[i]!, score: value, weight, share: value * weight };
      });
      const confidence = factors.reduce((total, { share }) => total + share, 0);
      expect(found({ factors, confidence, absent: [] })).toEqual({ level: 'ok' });
      expect(found({ factors, confidence: confidence + 0.001, absent: [] }).level).toBe('critical');
    }),
  );
});
