import { expect, test } from 'vitest';
import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import { floorScore } from '../../../test/support/fake-context.js';
import { TemporalCoherence } from './temporal-coherence.js';

const input = { cpu: 10, ram: 20, severity: 'normal' } as const;
const wallMs = Date.UTC(2026, 5, 1);
const sample = (atMs: number, more: Partial<DeviceSample> = {}): DeviceSample => ({
  wall_ms: wallMs + atMs,
  monotonic_ms: atMs,
  absent: [],
  ...more,
});
const decided = (sampleMs: number | undefined, index: number | null = null): DecisionMade => ({
  ...{ id: `d-${sampleMs}`, stream: 'device', input, score: floorScore(input), index },
  ...(sampleMs === undefined ? {} : { sampleMonotonicMs: sampleMs }),
});

test('samples and decisions in their order are ok; repeated decisions have no index', () => {
  const check = new TemporalCoherence(1000);
  for (let i = 1; i < 10; i++) {
    check.sampled(sample(i * 1000, { clock_step_ms: 0 }));
    check.decided(decided(i * 1000, i % 3 === 0 ? i : null));
    // Posted advice has a place of its own in the ledger.
    check.decided(decided(undefined, 1000 - i));
    expect(check.compare()).toEqual({ level: 'ok' });
  }
});

test.each<[string, string, (check: TemporalCoherence) => void]>([
  ['time_went_back', 'critical', (check) => check.sampled(sample(4999))],
  ['time_went_back', 'critical', (check) => check.sampled(sample(5000))],
  ['decided_before_measured', 'critical', (check) => check.decided(decided(5001))],
  [
    'decided_twice',
    'warning',
    (check) => {
      check.decided(decided(5000));
      check.decided(decided(5000));
    },
  ],
  [
    'index_went_back',
    'critical',
    (check) => {
      check.decided(decided(4000, 7));
      check.decided(decided(5000, 7));
    },
  ],
  [
    'clock_step_differs',
    'warning',
    (check) => check.sampled(sample(6000, { wall_ms: wallMs + 86_406_000, clock_step_ms: 0 })),
  ],
  ['samples_paused', 'info', (check) => check.sampled(sample(9001))],
])('%s is %s', (fault, level, tell) => {
  const check = new TemporalCoherence(1000);
  check.sampled(sample(5000));
  tell(check);
  expect(check.compare()).toMatchObject({ level, fault });
  expect(check.compare()).toEqual({ level: 'ok' });
});

test('a step of the wall clock that is told is ok, and so is one on a device that does not tell', () => {
  const check = new TemporalCoherence(1000);
  check.sampled(sample(1000));
  check.sampled(sample(2000, { wall_ms: wallMs + 86_402_000, clock_step_ms: 86_400_000 }));
  check.sampled(sample(3000, { wall_ms: wallMs }));
  expect(check.compare()).toEqual({ level: 'ok' });
});

test('the worst is told, the first of equals', () => {
  const check = new TemporalCoherence(1000);
  check.sampled(sample(1000));
  check.sampled(sample(90_000));
  check.decided(decided(90_001));
  check.sampled(sample(80_000));
  expect(check.compare()).toMatchObject({ level: 'critical', fault: 'decided_before_measured' });
});
