import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Decision, decisions, severities } from '../../../runtime/contracts/decision.js';
import { floorScore } from '../../../test/support/fake-context.js';
import { DecisionRules, floorOf } from './decision-rules.js';

const made = (cpu: number, severity: (typeof severities)[number], decision: Decision) => {
  const input = { cpu, ram: 0, severity };
  return { id: 'd', stream: 'device', input, score: { ...floorScore(input), decision }, index: 3 };
};

test.each([
  [60, 'high', 'normal'],
  [60.01, 'none', 'monitor'],
  [80, 'high', 'monitor'],
  [80.01, 'none', 'reduce_load'],
  [0, 'critical', 'emergency_shutdown'],
] as const)('cpu %d and severity %s demand at least %s', (cpu, severity, least) => {
  expect(floorOf({ cpu, severity })).toBe(least);
});

test('any decision at or above the floor is silent, any below is critical', () => {
  const cpu = fc.double({ min: 0, max: 100, noNaN: true });
  fc.assert(
    fc.property(
      cpu,
      fc.constantFrom(...severities),
      fc.constantFrom(...decisions),
      (load, severity, decision) => {
        const check = new DecisionRules();
        check.decided(made(load, severity, decision));
        const milder = decisions.indexOf(decision) < decisions.indexOf(floorOf({ cpu: load, severity }));
        expect(check.compare().level).toBe(milder ? 'critical' : 'ok');
      },
    ),
  );
});

test('tells the first of several and how many, then starts anew', () => {
  const check = new DecisionRules();
  check.decided(made(85, 'normal', 'monitor'));
  check.decided(made(20, 'critical', 'normal'));
  check.decided(made(20, 'normal', 'normal'));
  expect(check.compare()).toEqual({
    level: 'critical',
    fault: 'milder_than_rules',
    evidence: {
      decision_index: 3,
      decision: 'monitor',
      demanded: 'reduce_load',
      cpu: 85,
      severity: 'normal',
      count: 2,
    },
  });
  expect(check.compare()).toEqual({ level: 'ok' });
});
