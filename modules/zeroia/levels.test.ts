import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Decision, decisions } from '../../runtime/contracts/decision.js';
import { type DegradationLevel, levels } from '../../runtime/contracts/device.js';
import { LevelRule } from './levels.js';

function ruleAt(reliefMs: number) {
  const time = { ms: 0 };
  const rule = new LevelRule({ monotonicMs: () => time.ms, wallMs: () => 0 }, reliefMs);
  return { time, rule };
}

test('worse applies at once and may jump', () => {
  const { rule } = ruleAt(1000);
  expect(rule.next('normal', 'emergency_shutdown')).toBe('emergency');
  expect(rule.next('normal', 'monitor')).toBe('light');
});

test('better goes one level at a time, each after the relief time', () => {
  const { time, rule } = ruleAt(1000);
  expect(rule.next('moderate', 'normal')).toBe('moderate');
  time.ms = 999;
  expect(rule.next('moderate', 'normal')).toBe('moderate');
  time.ms = 1000;
  expect(rule.next('moderate', 'normal')).toBe('light');
  time.ms = 1999;
  expect(rule.next('light', 'normal')).toBe('light');
  time.ms = 2000;
  expect(rule.next('light', 'normal')).toBe('normal');
});

test('a decision for the present level starts the relief time anew', () => {
  const { time, rule } = ruleAt(1000);
  rule.next('moderate', 'normal');
  time.ms = 900;
  expect(rule.next('moderate', 'reduce_load')).toBe('moderate');
  time.ms = 1500;
  expect(rule.next('moderate', 'normal')).toBe('moderate');
  time.ms = 2400;
  expect(rule.next('moderate', 'normal')).toBe('moderate');
  time.ms = 2500;
  expect(rule.next('moderate', 'normal')).toBe('light');
});

test('the level never falls by more than one, never within the relief time of the last fall', () => {
  const steps = fc.array(
    fc.tuple(fc.constantFrom<Decision>(...decisions), fc.integer({ min: 0, max: 1500 })),
  );
  fc.assert(
    fc.property(steps, (history) => {
      const { time, rule } = ruleAt(1000);
      let level: DegradationLevel = 'normal';
      let fellAt = Number.NEGATIVE_INFINITY;
      for (const [decision, waited] of history) {
        time.ms += waited;
        const next = rule.next(level, decision);
        const change = levels.indexOf(next) - levels.indexOf(level);
        expect(change).toBeGreaterThanOrEqual(-1);
        if (change < 0) {
          expect(time.ms - fellAt).toBeGreaterThanOrEqual(1000);
          fellAt = time.ms;
        }
        level = next;
      }
    }),
  );
});
