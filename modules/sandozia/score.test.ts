import { expect, test } from 'vitest';
import { createFakeContext } from '../../test/support/fake-context.js';
import type { CheckResult } from './examiner.js';
import { globalScore } from './score.js';

const check = (level: CheckResult['level']): CheckResult => ({
  name: 'x',
  kind: 'interface',
  about: '',
  level,
  fault: null,
  evidence: {},
  checked_ms: 0,
});
const status = createFakeContext().status();

test('all well is 1, the parts make the score, and their weights sum to 1', () => {
  const { score, parts } = globalScore([check('ok'), check('info'), check(null)], status);
  expect(score).toBeCloseTo(1, 12);
  expect(parts.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
});

test('each part that is worse makes it less, never below 0', () => {
  const worst = globalScore([check('critical')], {
    level: 'survival',
    ledger: { ...status.ledger, state: 'failed' },
    modules: { zeroia: { version: '1', priority: 'critical', state: 'failed' } },
    incidents: [],
  });
  expect(worst.score).toBeCloseTo(0.1, 12);
  expect(globalScore([check('critical'), check('ok')], status).score).toBeCloseTo(1 - 0.35 / 2, 12);
  expect(globalScore([check('warning')], { ...status, level: 'heavy' }).parts).toMatchObject([
    { name: 'agreement', value: 0.5 },
    {},
    {},
    { name: 'level', value: expect.closeTo(0.4, 12), why: 'the level is heavy' },
    {},
  ]);
});
