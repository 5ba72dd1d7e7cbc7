import fc from 'fast-check';
import { expect, test } from 'vitest';
import { factorNames, type Score, type ScoreInput, severities } from '../../runtime/contracts/decision.js';
import { canonicalJson } from '../../runtime/ledger/canonical.js';
import { answerJson, decisionEvent } from './encode.js';
import { decisionAnswer } from './schema.js';

const number = fc.double({ noNaN: true, noDefaultInfinity: true, min: 0, max: 1e12 });
const optional = fc.option(number, { nil: undefined });
const input: fc.Arbitrary<ScoreInput> = fc.record({
  cpu: number,
  ram: number,
  severity: fc.constantFrom(...severities),
  temperatureC: fc.option(fc.double({ min: -60, max: 150, noNaN: true }), { nil: undefined }),
  disk: optional,
  errorRate: optional,
  latencyMs: optional,
  contextRelevance: optional,
  historyPressure: optional,
}) as fc.Arbitrary<ScoreInput>;
const score: fc.Arbitrary<Score> = fc.record({
  decision: fc.constantFrom('normal', 'monitor', 'reduce_load', 'emergency_shutdown'),
  confidence: number,
  factors: fc
    .subarray([...factorNames])
    .chain((names) =>
      fc.tuple(
        ...names.map((name) =>
          fc.record({ name: fc.constant(name), score: number, weight: number, share: number }),
        ),
      ),
    ),
  absent: fc.subarray([...factorNames]),
  reasons: fc.subarray(['cpu_above_80', 'severity_critical']),
  pressure: number,
}) as fc.Arbitrary<Score>;
const identity = { core_sha256: 'ab'.repeat(32), weights_version: 'w1-0123456789ab' };

/** JSON has no -0 and no undefined. */
const plain = <T>(value: T): unknown => JSON.parse(JSON.stringify(value));

test('the event is in canonical form and holds what the decision was made from', () => {
  fc.assert(
    fc.property(input, score, (given, made) => {
      const { text } = decisionEvent('d-1', given, made, identity);
      const parsed = JSON.parse(text);
      expect(canonicalJson(parsed)).toBe(text);
      const { temperatureC, errorRate, latencyMs, contextRelevance, historyPressure, ...same } = given;
      const recorded = {
        ...same,
        temperature_c: temperatureC,
        error_rate: errorRate,
        latency_ms: latencyMs,
        context_relevance: contextRelevance,
        history_pressure: historyPressure,
      };
      const { factors, ...rest } = made;
      expect(parsed).toEqual(
        plain({
          ...rest,
          ...identity,
          id: 'd-1',
          input: recorded,
          factors: Object.fromEntries(factors.map((factor) => [factor.name, [factor.score, factor.weight]])),
        }),
      );
    }),
  );
});

test('the answer is what JSON.stringify writes, and fits its published schema', () => {
  fc.assert(
    fc.property(score, fc.nat(), (made, index) => {
      const receipt = { recorded: 'durable', index, leaf_hash: 'cd'.repeat(32) } as const;
      const { decision, confidence, factors, absent, reasons } = made;
      const answer = {
        id: 'd-1',
        decision,
        confidence,
        factors,
        absent,
        reasons,
        model: identity,
        recorded: 'durable',
        receipt,
      };
      const text = answerJson('d-1', made, identity, receipt);
      expect(JSON.parse(text)).toEqual(plain(answer));
      expect(decisionAnswer.safeParse(JSON.parse(text)).success).toBe(true);
    }),
  );
});
