import { expect, test } from 'vitest';
import { configSchema } from '../../../runtime/config/schema.js';
import type { DegradationLevel } from '../../../runtime/contracts/device.js';
import { ManualClock } from '../../../test/support/fake-context.js';
import { LevelSteps } from './level-steps.js';

function make() {
  const clock = new ManualClock();
  const check = new LevelSteps(clock, configSchema.parse({}).degradation.cooldown);
  let from: DegradationLevel = 'normal';
  const to = (level: DegradationLevel, afterMs = 0) => {
    clock.advance(afterMs);
    check.levelChanged({ from, to: level, reason: 'test' });
    from = level;
    return check.compare();
  };
  return { to };
}

test('worse at once and by jumps, better by steps after each cooldown, is ok', () => {
  const { to } = make();
  const ok = { level: 'ok' };
  expect(to('light')).toEqual(ok);
  expect(to('survival')).toEqual(ok);
  expect(to('emergency', 120_000)).toEqual(ok);
  expect(to('heavy', 60_000)).toEqual(ok);
  expect(to('emergency', 1)).toEqual(ok);
  expect(to('heavy', 60_000)).toEqual(ok);
  expect(to('moderate', 60_000)).toEqual(ok);
  expect(to('light', 30_000)).toEqual(ok);
  expect(to('normal', 30_000)).toEqual(ok);
});

test('better within the cooldown, or by two steps, is a warning', () => {
  const { to } = make();
  to('heavy');
  expect(to('moderate', 59_000)).toEqual({
    level: 'warning',
    fault: 'better_too_soon',
    evidence: { from: 'heavy', to: 'moderate', held_ms: 59_000, cooldown_ms: 60_000 },
  });
  expect(to('normal', 3_600_000)).toEqual({
    level: 'warning',
    fault: 'step_skipped',
    evidence: { from: 'moderate', to: 'normal' },
  });
});
