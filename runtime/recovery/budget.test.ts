import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RetryBudget } from './budget.js';

test('repeats are never more than the share of first tries and the reserve', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (steps) => {
      const budget = new RetryBudget(0.2, 5);
      let first = 0;
      let repeats = 0;
      for (const isFirst of steps) {
        if (isFirst) {
          first += 1;
          budget.earn();
        } else if (budget.spend()) repeats += 1;
        expect(repeats).toBeLessThanOrEqual(first * 0.2 + 5 + 1e-9);
      }
    }),
  );
});

test('bounds are refused', () => {
  expect(() => new RetryBudget(1.1, 5)).toThrow('not 1.1');
  expect(() => new RetryBudget(0.2, 0)).toThrow('not 0');
});
