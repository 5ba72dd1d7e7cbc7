import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Core } from './index.js';
import { type OwnParameters, withOwn } from './parameters.js';
import { referenceScore } from './reference/scoring.js';
import { decisions, type ScoreInput, severities } from './score-types.js';

const core = Core.create();
const { slab, thresholds } = core;
const runs = process.env.ARKALIA_TEST_LONG === '1' ? 100_000 : 4000;

const share = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const levels = (monitor: number, reduce: number) =>
  fc.record({
    monitor: fc.oneof(fc.constant(monitor), share(monitor / 2, monitor)),
    reduce: fc.oneof(fc.constant(reduce), share(reduce / 2, reduce)),
  });
const ownParameters: fc.Arbitrary<OwnParameters> = fc.record({
  cpu: levels(60, 80),
  ram: levels(75, 90),
  temperatureC: levels(70, 78),
  hysteresis: fc.oneof(fc.constantFrom(0, 0.05, 0.5), share(0, 0.5)),
  cooldownMs: fc.integer({ min: 0, max: 20_000 }),
});
/** Whole numbers and anything between; thresholds, their neighbours and what hysteresis makes of them come from `edges`. */
const figure = (max: number, ...edges: number[]) =>
  fc
    .oneof(
      share(0, max),
      fc.integer({ min: 0, max }),
      fc
        .constantFrom(...edges)
        .chain((edge) => fc.constantFrom(edge, edge * 0.95, edge - edge * 0.05, edge * (1 + 2 ** -52))),
    )
    .filter((value) => value <= max);
const figures: fc.Arbitrary<ScoreInput> = fc.record(
  {
    cpu: figure(100, 60, 80),
    ram: figure(100, 75, 90),
    severity: fc.constantFrom(...severities),
    temperatureC: figure(120, 70, 78, 85),
    disk: figure(100, 85, 95),
    errorRate: figure(1, 0.2, 0.5),
    latencyMs: figure(20_000, 3000, 10_000),
    historyPressure: share(0, 1),
  },
  { requiredKeys: ['cpu', 'ram', 'severity'] },
);
const states = fc.record({
  previousDecision: fc.constantFrom(...decisions),
  previousAgeMs: fc.oneof(fc.integer({ min: 0, max: 30_000 }), share(0, 30_000)),
});
const rank = (decision: (typeof decisions)[number]) => decisions.indexOf(decision);

describe("the device's own record", () => {
  it('agrees with the reference to the last bit, with any thresholds and any previous decision', () => {
    fc.assert(
      fc.property(figures, states, fc.boolean(), ownParameters, (given, state, first, own) => {
        const input = first ? given : { ...given, ...state };
        const score = slab.scoreOwn(input, core.ownParameters(own)).toScore();
        expect(score).toStrictEqual(referenceScore(input, withOwn(own)));
      }),
      { numRuns: runs },
    );
  }, 300_000);

  it('is scored in a batch as alone, when a batch has its parameters', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(figures, states), { maxLength: 20 }), (records) => {
        const base = core.ownParameters({ ...thresholds, hysteresis: 0, cooldownMs: 0 });
        expect(base.version).toBe(slab.parameters.version);
        const inputs = records.map(([given, state]) => ({ ...given, ...state }));
        for (const [i, input] of inputs.entries()) slab.write(i, input);
        slab.score(0, inputs.length);
        const scores = inputs.map((_, i) => slab.read(i));
        expect(scores).toStrictEqual(inputs.map((input) => slab.scoreOwn(input, base).toScore()));
      }),
      { numRuns: 200 },
    );
  });

  it('is never milder than the base rules, whatever state and thresholds; never above the previous decision by hold', () => {
    fc.assert(
      fc.property(figures, states, ownParameters, (given, state, own) => {
        const made = slab.scoreOwn({ ...given, ...state }, core.ownParameters(own)).toScore();
        const base = referenceScore(given);
        expect(rank(made.decision)).toBeGreaterThanOrEqual(rank(base.decision));
        if (given.severity === 'critical') expect(made.decision).toBe('emergency_shutdown');
        if (given.cpu > 80) expect(rank(made.decision)).toBeGreaterThanOrEqual(rank('reduce_load'));
        if (given.cpu > 60) expect(rank(made.decision)).toBeGreaterThanOrEqual(rank('monitor'));
        // Hysteresis and cooldown delay relief: what they give lies between the rules and the previous decision.
        const asked = referenceScore(given, withOwn(own));
        const most = Math.max(rank(asked.decision), rank(state.previousDecision));
        expect(rank(made.decision)).toBeLessThanOrEqual(most);
        expect(rank(made.decision)).toBeGreaterThanOrEqual(rank(asked.decision));
      }),
      { numRuns: runs },
    );
  }, 300_000);

  it.each([
    ['near: 76.1 is not clear of 80 by 5 %', 76.1, 99_999, 'reduce_load', ['held_cpu_above_80']],
    ['clear of 80, still above 60', 76, 99_999, 'monitor', ['cpu_above_60']],
    ['clear, but the cooldown lasts', 70, 9999, 'reduce_load', ['held_by_cooldown']],
    ['clear, and the cooldown is over', 70, 10_000, 'monitor', ['cpu_above_60']],
    ['near 60 keeps monitor only', 58, 10_000, 'monitor', ['held_cpu_above_60']],
    ['near 60 within the cooldown', 58, 0, 'reduce_load', ['held_by_cooldown']],
    ['calm', 57, 10_000, 'normal', []],
    ['worse at once', 81, 0, 'reduce_load', ['cpu_above_80']],
  ] as const)('after reduce_load: %s', (_, cpu, previousAgeMs, decision, reasons) => {
    const own = core.ownParameters({ ...thresholds, hysteresis: 0.05, cooldownMs: 10_000 });
    const input: ScoreInput = {
      cpu,
      ram: 1,
      severity: 'none',
      previousDecision: 'reduce_load',
      previousAgeMs,
    };
    const score = slab.scoreOwn(input, own);
    expect([score.decision, score.reasons]).toEqual([decision, reasons]);
  });

  it('neither touches the slab nor takes its parameters from it', () => {
    slab.write(0, { cpu: 79, ram: 1, severity: 'none' });
    const own = core.ownParameters({
      ...thresholds,
      cpu: { monitor: 50, reduce: 70 },
      hysteresis: 0,
      cooldownMs: 0,
    });
    const mine = slab.scoreOwn({ cpu: 79, ram: 1, severity: 'none' }, own).toScore();
    slab.score(0, 1);
    expect(mine.reasons).toEqual(['cpu_above_70']);
    expect(slab.read(0).reasons).toEqual(['cpu_above_60']);
    expect(own.version).not.toBe(slab.parameters.version);
  });

  it('refuses thresholds that are raised, and hysteresis and cooldown out of bounds', () => {
    const good: OwnParameters = { ...thresholds, hysteresis: 0.1, cooldownMs: 0 };
    for (const key of ['cpu', 'ram', 'temperatureC'] as const) {
      for (const level of ['monitor', 'reduce'] as const) {
        for (const value of [thresholds[key][level] * (1 + Number.EPSILON), 0, Number.NaN, Infinity]) {
          const bad = { ...good, [key]: { ...good[key], [level]: value } };
          expect(() => core.ownParameters(bad)).toThrow(`${key}.${level} of a device's own parameters`);
        }
      }
    }
    for (const hysteresis of [-0.01, 0.51, Number.NaN]) {
      expect(() => core.ownParameters({ ...good, hysteresis })).toThrow('hysteresis');
    }
    for (const cooldownMs of [-1, 86_400_001, Number.NaN]) {
      expect(() => core.ownParameters({ ...good, cooldownMs })).toThrow('cooldownMs');
    }
  });
});
