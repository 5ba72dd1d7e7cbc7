import { expect, test } from 'vitest';
import { contextRelevance } from './relevance.js';

test.each([
  ['', 0],
  ['a birthday party', 0],
  ['the processor is busy', 1 / 3],
  ['La mémoire est pleine et le processeur chauffe, erreurs partout', 1],
  ['{"cpu":"high","disk":"full","errors":12,"latency":9}', 1],
])('%j says %f about the decision', (context, relevance) => {
  expect(contextRelevance(context)).toBeCloseTo(relevance);
});
