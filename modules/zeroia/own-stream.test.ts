import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { configSchema } from '../../runtime/config/schema.js';
import { type Decision, decisions, type ScoreInput, severities } from '../../runtime/contracts/decision.js';
import { CoreScorer } from '../../runtime/core/scorer.js';
import { ManualClock } from '../../test/support/fake-context.js';
import { OwnStream } from './own-stream.js';
import { noSteps } from './thresholds.js';

let scorer: CoreScorer;
beforeAll(async () => {
  scorer = await CoreScorer.start({ core: Core.create(), offload: 'never', onPoolFailure: () => {} });
});
afterAll(() => scorer.close());

function make(zeroia: Record<string, unknown> = {}) {
  const clock = new ManualClock();
  const own = new OwnStream(scorer, clock, configSchema.parse({ zeroia }).zeroia, noSteps);
  const decide = (given: ScoreInput) => {
    const input = { ...given };
    own.recall(input, clock.monotonicMs());
    const score = own.score(input, (record) => record.toScore());
    own.remember(score, clock.monotonicMs());
    for (const due of own.learn(input)) own.apply(due);
    return score;
  };
  return { clock, own, decide };
}
const cpu = (value: number): ScoreInput => ({ cpu: value, ram: 10, severity: 'none' });
const rank = (decision: Decision) => decisions.indexOf(decision);

test('relief waits for the cooldown, counted from when the decision was last asked for', () => {
  const { clock, decide } = make({ cooldown_ms: 10_000 });
  expect(decide(cpu(85)).decision).toBe('reduce_load');
  clock.advance(5000);
  expect(decide(cpu(81)).decision).toBe('reduce_load');
  clock.advance(9999);
  expect(decide(cpu(10)).reasons).toEqual(['held_by_cooldown']);
  clock.advance(1);
  expect(decide(cpu(10)).decision).toBe('normal');
  expect(decide(cpu(61)).decision).toBe('monitor');
});

test('a figure that wavers around its threshold does not make the decision flap', () => {
  const { clock, decide } = make({ cooldown_ms: 0, adapt: false });
  const made = [81, 79, 81, 78, 77, 81, 76.5].map((value) => {
    clock.advance(1000);
    return decide(cpu(value)).decision;
  });
  expect(new Set(made)).toEqual(new Set(['reduce_load']));
  expect(decide(cpu(75)).decision).toBe('monitor');
});

test('without hysteresis and cooldown it decides as for advice', () => {
  const { clock, decide } = make({ cooldown_ms: 0, hysteresis: 0, adapt: false });
  for (const value of [90, 79, 59, 61, 10]) {
    clock.advance(1);
    const advice = scorer.withOwn({ ...scorer.thresholds, hysteresis: 0, cooldownMs: 0 });
    expect(decide(cpu(value))).toMatchObject({
      decision: advice(cpu(value), (record) => record.decision),
    });
  }
});

test('whatever the history, the floors hold, relief is the only thing delayed, and it comes', () => {
  const given = fc.record({
    cpu: fc.double({ min: 0, max: 100, noNaN: true }),
    ram: fc.double({ min: 0, max: 100, noNaN: true }),
    severity: fc.constantFrom(...severities),
    temperatureC: fc.double({ min: 0, max: 110, noNaN: true }),
  });
  const history = fc.array(fc.tuple(given, fc.integer({ min: 0, max: 70_000 })), { maxLength: 40 });
  const base = scorer.withOwn({ ...scorer.thresholds, hysteresis: 0, cooldownMs: 0 });
  fc.assert(
    fc.property(
      history,
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.integer({ min: 0, max: 30_000 }),
      (samples, hysteresis, cooldown_ms) => {
        const { clock, decide } = make({ hysteresis, cooldown_ms, adapt_lowered_max: 0.5, adapt_step: 0.2 });
        let before: Decision = 'normal';
        for (const [input, waitMs] of samples) {
          clock.advance(waitMs);
          const { decision, reasons } = decide(input);
          expect(rank(decision)).toBeGreaterThanOrEqual(rank(base(input, (record) => record.decision)));
          if (input.severity === 'critical') expect(decision).toBe('emergency_shutdown');
          if (input.cpu > 80) expect(rank(decision)).toBeGreaterThanOrEqual(rank('reduce_load'));
          if (input.cpu > 60) expect(rank(decision)).toBeGreaterThanOrEqual(rank('monitor'));
          if (reasons.some((id) => id.startsWith('held_')))
            expect(rank(decision)).toBeLessThanOrEqual(rank(before));
          before = decision;
        }
        // However long it was pressed: three calm samples, a cooldown apart, and it is normal.
        for (let i = 0; i < 3; i++) {
          clock.advance(30_000);
          before = decide({ cpu: 1, ram: 1, severity: 'none', temperatureC: 20 }).decision;
        }
        expect(before).toBe('normal');
      },
    ),
    { numRuns: process.env.ARKALIA_TEST_LONG === '1' ? 20_000 : 500 },
  );
});
