import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Core } from './index.js';
import { referenceScore } from './reference/scoring.js';
import { type ScoreInput, severities } from './score-types.js';

const core = Core.create();
const { slab } = core;
const runs = process.env.ARKALIA_TEST_LONG === '1' ? 100_000 : 4000;

function score(input: ScoreInput) {
  slab.write(7, input);
  slab.score(7, 1);
  return slab.read(7);
}

// Whole numbers, thresholds and their neighbours, and anything in between.
const near = (...edges: number[]) =>
  fc.constantFrom(
    ...edges.flatMap((edge) => [edge, edge * (1 - Number.EPSILON), edge * (1 + Number.EPSILON)]),
  );
const number = (min: number, max: number, ...edges: number[]) =>
  fc
    .oneof(
      fc.double({ min, max, noNaN: true }),
      fc.integer({ min: Math.ceil(min), max: Math.floor(max) }),
      near(...edges),
    )
    .filter((value) => value >= min && value <= max);
const inputs: fc.Arbitrary<ScoreInput> = fc.record(
  {
    cpu: number(0, 100, 60, 80, 100),
    ram: number(0, 100, 75, 90),
    severity: fc.constantFrom(...severities),
    temperatureC: number(-273.15, 1000, 40, 70, 78, 85),
    disk: number(0, 100, 85, 95),
    errorRate: number(0, 1, 0.2, 0.5),
    latencyMs: number(0, 1e9, 3000, 10_000),
    contextRelevance: number(0, 1, 0.5),
    historyPressure: number(0, 1, 0.5),
  },
  { requiredKeys: ['cpu', 'ram', 'severity'] },
);

describe('scoring', () => {
  it('agrees with the reference to the last bit', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        expect(score(input)).toStrictEqual(
          referenceScore({ ...input, cpu: input.cpu + 0, ram: input.ram + 0 }),
        );
      }),
      { numRuns: runs },
    );
  });

  it('gives bounded results whose shares sum to the confidence', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const result = score(input);
        expect(result.factors.length + result.absent.length).toBe(6);
        const sum = result.factors.reduce((total, factor) => total + factor.share, 0);
        expect(Math.min(1, sum)).toBe(result.confidence);
        expect(result.factors.reduce((total, factor) => total + factor.weight, 0)).toBeCloseTo(1, 12);
        for (const value of [result.pressure, result.confidence, ...result.factors.map((f) => f.score)]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each<[Partial<ScoreInput>, string, string[]]>([
    [{}, 'normal', []],
    [{ severity: 'medium' }, 'normal', []],
    [{ severity: 'high' }, 'monitor', ['severity_high']],
    [{ severity: 'critical', cpu: 99 }, 'emergency_shutdown', ['severity_critical']],
    [{ cpu: 60 }, 'normal', []],
    [{ cpu: 60.1 }, 'monitor', ['cpu_above_60']],
    [{ cpu: 80 }, 'monitor', ['cpu_above_60']],
    [{ cpu: 80.1, severity: 'high' }, 'reduce_load', ['cpu_above_80']],
    [{ ram: 75.1, disk: 85.1 }, 'monitor', ['ram_above_75', 'disk_above_85']],
    [{ ram: 90.1 }, 'reduce_load', ['ram_above_90']],
    [{ temperatureC: 69.9 }, 'normal', []],
    [{ temperatureC: 70 }, 'monitor', ['temperature_from_70']],
    [{ temperatureC: 78 }, 'reduce_load', ['temperature_from_78']],
    [{ temperatureC: 85 }, 'emergency_shutdown', ['temperature_from_85']],
    [{ disk: 95.1 }, 'reduce_load', ['disk_above_95']],
    [{ errorRate: 0.21 }, 'monitor', ['error_rate_above_0.2']],
    [{ errorRate: 0.51 }, 'reduce_load', ['error_rate_above_0.5']],
    [{ latencyMs: 3001 }, 'monitor', ['latency_above_3000']],
    [{ latencyMs: 10_001 }, 'reduce_load', ['latency_above_10000']],
  ])('decides by the rules: %j is %s', (input, decision, reasons) => {
    const result = score({ cpu: 10, ram: 10, severity: 'none', ...input });
    expect(result.decision).toBe(decision);
    expect(result.reasons).toEqual(reasons);
  });

  it('weighs a full sample as the definitions say', () => {
    const result = score({
      cpu: 50,
      ram: 30,
      severity: 'none',
      errorRate: 0.1,
      latencyMs: 1000,
      contextRelevance: 0.8,
      historyPressure: 0.4,
    });
    expect(result.pressure).toBe(0.5);
    expect(result.factors.map((factor) => factor.score)).toEqual([0.9, 0.5, 0.5, 0.6, 0.8, 0.9]);
    expect(result.confidence).toBeCloseTo(0.27 + 0.125 + 0.075 + 0.06 + 0.08 + 0.09, 12);
    expect(result.absent).toEqual([]);
  });

  it('never reads an absent input, whatever the record held before', () => {
    const full: ScoreInput = {
      cpu: 1,
      ram: 1,
      severity: 'critical',
      temperatureC: 99,
      disk: 99,
      errorRate: 1,
      latencyMs: 1e9,
      contextRelevance: 1,
      historyPressure: 1,
    };
    const bare: ScoreInput = { cpu: 20, ram: 30, severity: 'low' };
    score(full);
    const result = score(bare);
    expect(result).toStrictEqual(referenceScore(bare));
    expect(result.absent).toEqual(['consistency', 'response_time', 'context_relevance', 'error_rate']);
  });

  it('scores exactly the range it is told, up to the last record', () => {
    const last = slab.records - 1;
    slab.write(last, { cpu: 90, ram: 0, severity: 'none' });
    slab.write(last - 1, { cpu: 0, ram: 0, severity: 'none' });
    slab.score(0, 0);
    slab.score(last - 1, 1);
    slab.write(last - 1, { cpu: 90, ram: 0, severity: 'none' });
    slab.score(last, 1);
    expect(slab.read(last - 1).decision).toBe('normal');
    expect(slab.read(last).decision).toBe('reduce_load');
  });

  it.each([
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [0, 4097],
    [4096, 1],
    [Number.NaN, 1],
  ])('refuses the range %d + %d', (from, count) => {
    expect(() => slab.score(from, count)).toThrow(RangeError);
  });

  it('refuses what is not a number in its bounds, and names it', () => {
    const good: ScoreInput = { cpu: 1, ram: 1, severity: 'none' };
    for (const key of [
      'cpu',
      'ram',
      'temperatureC',
      'disk',
      'errorRate',
      'latencyMs',
      'contextRelevance',
      'historyPressure',
    ]) {
      for (const value of [
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        1e10,
        -274,
        '5',
        null,
      ]) {
        expect(() => slab.write(0, { ...good, [key]: value } as ScoreInput), `${key} ${value}`).toThrow(
          RangeError,
        );
        expect(() => slab.write(0, { ...good, [key]: value } as ScoreInput)).toThrow(key);
      }
    }
    for (const previousAgeMs of [-1, Number.NaN, 1e16, undefined]) {
      const input = { ...good, previousDecision: 'normal', previousAgeMs } as ScoreInput;
      expect(() => slab.write(0, input)).toThrow(/^previousAgeMs must be a number/);
    }
    for (const previousDecision of ['', 'Normal', undefined]) {
      const input = { ...good, previousDecision, previousAgeMs: 0 } as ScoreInput;
      expect(() => slab.write(0, input)).toThrow(/^previousDecision must be one of normal/);
    }
    for (const severity of ['', 'Critical', '__proto__', undefined]) {
      expect(() => slab.write(0, { ...good, severity } as ScoreInput)).toThrow(
        /severity must be one of none/,
      );
    }
    expect(() => slab.write(4096, good)).toThrow(RangeError);
    expect(() => slab.read(-1)).toThrow(RangeError);
  });

  it('turns -0 into 0 at the door', () => {
    const result = score({ cpu: -0, ram: -0, severity: 'none', contextRelevance: -0 });
    expect(Object.is(result.pressure, 0)).toBe(true);
    expect(Object.is(result.factors.at(-1)?.score, 0)).toBe(true);
  });
});
