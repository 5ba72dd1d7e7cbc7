import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DegradationLevel, levels } from '../../../runtime/contracts/device.js';
import { LevelInForce } from './level-in-force.js';

function force(level: DegradationLevel = 'normal') {
  const degradation = { now: level, level: () => degradation.now };
  return { degradation, check: new LevelInForce(degradation) };
}

test('any sequence of announced changes is silent', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...levels)), (sequence) => {
      const { degradation, check } = force();
      for (const to of sequence) {
        const from = degradation.now;
        degradation.now = to;
        check.levelChanged({ from, to, reason: 'test' });
        expect(check.compare()).toEqual({ level: 'ok' });
      }
    }),
  );
});

test('announced and applied in two steps is silent', () => {
  const { degradation, check } = force();
  check.levelChanged({ from: 'normal', to: 'light', reason: 'test' });
  expect(check.compare().level).toBe('ok');
  degradation.now = 'light';
  expect(check.compare().level).toBe('ok');
});

test('a level that changed unannounced is critical at the second look, until it agrees again', () => {
  const { degradation, check } = force();
  degradation.now = 'heavy';
  expect(check.compare().level).toBe('ok');
  const found = {
    level: 'critical',
    fault: 'level_differs',
    evidence: { announced: 'normal', in_force: 'heavy' },
  };
  expect(check.compare()).toEqual(found);
  expect(check.compare()).toEqual(found);
  degradation.now = 'normal';
  expect(check.compare().level).toBe('ok');
});

test('a change that starts from a level never announced is a warning', () => {
  const { degradation, check } = force('light');
  degradation.now = 'moderate';
  check.levelChanged({ from: 'heavy', to: 'moderate', reason: 'test' });
  expect(check.compare()).toEqual({
    level: 'warning',
    fault: 'announcement_missing',
    evidence: { from: 'heavy', to: 'moderate', in_force: 'moderate' },
  });
  expect(check.compare().level).toBe('ok');
});
