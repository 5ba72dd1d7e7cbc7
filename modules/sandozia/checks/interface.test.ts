import { expect, test } from 'vitest';
import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import { floorScore } from '../../../test/support/fake-context.js';
import { Interface } from './interface.js';

const sample: DeviceSample = { wall_ms: 5, monotonic_ms: 1, cpu: 0, ram: 100, absent: ['disk'] };
const input = { cpu: 10, ram: 20, severity: 'normal' } as const;
const decision: DecisionMade = { id: 'd-1', stream: 'device', input, score: floorScore(input), index: null };

test('what the contract allows is ok, at its bounds too', () => {
  const check = new Interface();
  check.sampled(sample);
  check.sampled({ ...sample, temperature_c: -60, cpu: 100 });
  check.decided(decision);
  check.decided({ ...decision, index: 0 });
  check.levelChanged({ from: 'normal', to: 'survival', reason: '' });
  expect(check.compare()).toEqual({ level: 'ok' });
});

test.each<[string, (check: Interface) => void, string]>([
  ['cpu', (check) => check.sampled({ ...sample, cpu: 100.1 }), 'sample_malformed'],
  ['ram', (check) => check.sampled({ ...sample, ram: Number.NaN }), 'sample_malformed'],
  ['temperature_c', (check) => check.sampled({ ...sample, temperature_c: 151 }), 'sample_malformed'],
  ['absent', (check) => check.sampled({ ...sample, disk: 3 }), 'sample_malformed'],
  ['absent', (check) => check.sampled({ ...sample, absent: undefined as never }), 'sample_malformed'],
  ['id', (check) => check.decided({ ...decision, id: '' }), 'decision_malformed'],
  ['index', (check) => check.decided({ ...decision, index: 1.5 }), 'decision_malformed'],
  ['score', (check) => check.decided({ ...decision, score: undefined as never }), 'decision_malformed'],
  [
    'score.confidence',
    (check) => check.decided({ ...decision, score: { ...decision.score, confidence: 1.01 } }),
    'decision_malformed',
  ],
  [
    'to',
    (check) => check.levelChanged({ from: 'normal', to: 'dire' as never, reason: 'x' }),
    'change_malformed',
  ],
])('a wrong %s is told once, with how often it came', (where, tell, fault) => {
  const check = new Interface();
  tell(check);
  tell(check);
  expect(check.compare()).toMatchObject({ level: 'critical', fault, evidence: { where, count: 2 } });
  expect(check.compare()).toEqual({ level: 'ok' });
});
