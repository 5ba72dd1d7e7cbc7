import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import { floorScore } from '../../../test/support/fake-context.js';
import { SampleDecided } from './sample-decided.js';

const sampleAt = (ms: number, figures: Partial<DeviceSample> = {}): DeviceSample => ({
  wall_ms: 0,
  monotonic_ms: ms,
  cpu: 10,
  ram: 20,
  disk: 30,
  temperature_c: 40,
  absent: [],
  ...figures,
});

function decisionOn(sample: DeviceSample, input: Partial<DecisionMade['input']> = {}): DecisionMade {
  const full = {
    cpu: sample.cpu!,
    ram: sample.ram!,
    disk: sample.disk,
    temperatureC: sample.temperature_c,
    severity: 'normal' as const,
    ...input,
  };
  return {
    id: 'd',
    stream: 'device',
    input: full,
    score: floorScore(full),
    index: 7,
    sampleMonotonicMs: sample.monotonic_ms,
  };
}

test('before any sample there is nothing to compare', () => {
  expect(new SampleDecided(1000).compare()).toMatchObject({ level: 'info', fault: 'no_sample' });
});

test('a healthy sequence is silent, with jitter, late decisions within the interval and absent figures', () => {
  const jitter = fc.array(
    fc.record({ gap: fc.integer({ min: 900, max: 1500 }), temperature: fc.boolean() }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(jitter, (steps) => {
      const check = new SampleDecided(1000);
      let now = 0;
      let waiting: DeviceSample | undefined;
      for (const { gap, temperature } of steps) {
        now += gap;
        if (waiting !== undefined) check.decided(decisionOn(waiting));
        waiting = sampleAt(now, temperature ? {} : { temperature_c: undefined, absent: ['temperature_c'] });
        check.sampled(waiting);
        expect(check.compare()).toEqual({ level: 'ok' });
      }
    }),
  );
});

test('a sample without a decision is found once its interval has passed, and forgiven when the next one is decided', () => {
  const check = new SampleDecided(1000);
  check.sampled(sampleAt(0));
  expect(check.compare().level).toBe('ok');
  check.sampled(sampleAt(999));
  expect(check.compare().level).toBe('ok');
  check.sampled(sampleAt(1000));
  expect(check.compare()).toEqual({
    level: 'warning',
    fault: 'undecided',
    evidence: { sample_monotonic_ms: 0, waited_ms: 1000 },
  });
  check.decided(decisionOn(sampleAt(1000)));
  check.sampled(sampleAt(2000));
  expect(check.compare().level).toBe('ok');
});

test.each([
  ['cpu', { cpu: 11 }, 10, 11],
  ['ram', { ram: 21 }, 20, 21],
  ['disk', { disk: undefined }, 30, null],
  ['temperature_c', { temperatureC: 40.1 }, 40, 40.1],
] as const)('a decision made from another %s is critical', (figure, input, sampled, decided) => {
  const check = new SampleDecided(1000);
  check.sampled(sampleAt(0));
  check.decided(decisionOn(sampleAt(0), input));
  expect(check.compare()).toEqual({
    level: 'critical',
    fault: 'figures_differ',
    evidence: { decision_index: 7, sample_monotonic_ms: 0, figure, sampled, decided },
  });
});

test('a decision on a sample that no one took is critical, and does not hide the next fault', () => {
  const check = new SampleDecided(1000);
  check.sampled(sampleAt(0));
  check.decided(decisionOn(sampleAt(1e9)));
  expect(check.compare()).toMatchObject({ level: 'critical', fault: 'unknown_sample' });
  check.decided(decisionOn(sampleAt(0), { cpu: 99 }));
  expect(check.compare()).toMatchObject({ level: 'critical', fault: 'figures_differ' });
});

test('posted advice has no sample and is left alone', () => {
  const check = new SampleDecided(1000);
  check.sampled(sampleAt(0));
  check.decided({ ...decisionOn(sampleAt(5)), sampleMonotonicMs: undefined });
  expect(check.compare().level).toBe('ok');
});

test('a sample that lacks what a decision needs is not held against zeroia', () => {
  const check = new SampleDecided(1000);
  check.sampled(sampleAt(0, { cpu: undefined, absent: ['cpu'] }));
  check.sampled(sampleAt(1000));
  expect(check.compare()).toEqual({ level: 'info', fault: 'not_decidable', evidence: { absent: ['cpu'] } });
});
