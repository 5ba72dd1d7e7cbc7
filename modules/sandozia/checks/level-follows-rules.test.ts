import { expect, test } from 'vitest';
import { configSchema } from '../../../runtime/config/schema.js';
import type { DegradationLevel } from '../../../runtime/contracts/device.js';
import { floorScore } from '../../../test/support/fake-context.js';
import { LevelFollowsRules } from './level-follows-rules.js';

function make() {
  const now: { level: DegradationLevel } = { level: 'normal' };
  const { levels } = configSchema.parse({}).degradation;
  const check = new LevelFollowsRules({ level: () => now.level }, levels);
  const decided = (cpu: number, own = true) => {
    const input = { cpu, ram: 20, severity: 'normal' } as const;
    const made = { id: `d-${cpu}`, stream: 'device', input, score: floorScore(input), index: null };
    check.decided(own ? { ...made, sampleMonotonicMs: 1 } : made);
  };
  return { now, check, decided };
}

test('a level at least as bad as the rules demand is ok', () => {
  const { now, check, decided } = make();
  expect(check.compare()).toMatchObject({ level: 'info', fault: 'no_decision' });
  for (const [cpu, level] of [
    [10, 'normal'],
    [61, 'light'],
    [81, 'moderate'],
    [81, 'survival'],
  ] as const) {
    decided(cpu);
    now.level = level;
    expect(check.compare()).toEqual({ level: 'ok' });
    expect(check.compare()).toEqual({ level: 'ok' });
  }
});

test('one that stays too mild is told at the second look; one look alone is not', () => {
  const { now, check, decided } = make();
  decided(90);
  expect(check.compare()).toEqual({ level: 'ok' });
  now.level = 'moderate';
  expect(check.compare()).toEqual({ level: 'ok' });
  now.level = 'light';
  expect(check.compare()).toEqual({ level: 'ok' });
  expect(check.compare()).toEqual({
    level: 'critical',
    fault: 'level_too_mild',
    evidence: {
      ...{ decision: 'd-90', cpu: 90, severity: 'normal' },
      ...{ demanded: 'reduce_load', least: 'moderate', in_force: 'light' },
    },
  });
});

test('advice on what somebody posted demands nothing', () => {
  const { check, decided } = make();
  decided(10);
  decided(99, false);
  check.compare();
  expect(check.compare()).toEqual({ level: 'ok' });
});
