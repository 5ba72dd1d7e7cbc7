import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { decisions, factorNames, type ScoreInput, severities } from '../../runtime/contracts/decision.js';
import { builtInEvents } from '../../runtime/contracts/event-types.js';
import { canonicalJson } from '../../runtime/ledger/canonical.js';
import { answerJson, DecisionEncoder } from './encode.js';
import { decisionAnswer } from './schema.js';

const core = Core.create();
const number = (min: number, max: number) =>
  fc.oneof(fc.double({ min, max, noNaN: true }), fc.integer({ min: Math.ceil(min), max }));
const previous = fc.option(fc.tuple(fc.constantFrom(...decisions), number(0, 30_000)), { nil: undefined });
const input: fc.Arbitrary<ScoreInput> = fc
  .record(
    {
      cpu: number(0, 100),
      ram: number(0, 100),
      severity: fc.constantFrom(...severities),
      temperatureC: number(-60, 150),
      disk: number(0, 100),
      errorRate: number(0, 1),
      latencyMs: number(0, 86_400_000),
      contextRelevance: number(0, 1),
      historyPressure: number(0, 1),
    },
    { requiredKeys: ['cpu', 'ram', 'severity'] },
  )
  .chain((figures) =>
    previous.map((state) =>
      state === undefined ? figures : { ...figures, previousDecision: state[0], previousAgeMs: state[1] },
    ),
  );
const own = [0, 0.1].map((hysteresis) =>
  core.ownParameters({ ...core.thresholds, hysteresis, cooldownMs: 10_000 }),
);
const parameters = fc.constantFrom(...own);
const receipt = { recorded: 'durable', index: 12, leaf_hash: 'cd'.repeat(32) } as const;
// One encoder for all, so that what it remembers is met by other parameters, factors and rules.
const encoder = new DecisionEncoder(core.identity);
const { data: recordedShape } = builtInEvents.find(({ type }) => type === 'decision_made')!;

test('the event is in canonical form and holds what the decision was made from', () => {
  fc.assert(
    fc.property(input, parameters, (given, set) => {
      const record = core.slab.scoreOwn(given, set);
      const { text } = encoder.encode('d-1', given, record).event;
      // Nothing checks it when it is recorded, so this does.
      expect(recordedShape.safeParse(JSON.parse(text)).error?.issues).toBeUndefined();
      const { factors, absent, ...rest } = record.toScore();
      const { temperatureC, errorRate, latencyMs, contextRelevance, historyPressure, ...figures } = given;
      const { previousDecision, previousAgeMs, ...same } = figures;
      const recorded = {
        ...same,
        temperature_c: temperatureC,
        error_rate: errorRate,
        latency_ms: latencyMs,
        context_relevance: contextRelevance,
        history_pressure: historyPressure,
        previous_decision: previousDecision,
        previous_age_ms: previousAgeMs,
      };
      const event = {
        ...rest,
        absent,
        core_sha256: core.identity.core_sha256,
        weights_version: set.version,
        parameters: set.values,
        id: 'd-1',
        input: recorded,
        factors: Object.fromEntries(factors.map(({ name, score, weight }) => [name, [score, weight]])),
      };
      // JSON has no undefined and no -0.
      expect(text).toBe(canonicalJson(JSON.parse(JSON.stringify(event))));
    }),
  );
});

test('the answer is what JSON.stringify writes, and fits its published schema', () => {
  fc.assert(
    fc.property(input, parameters, (given, set) => {
      const record = core.slab.scoreOwn(given, set);
      const encoded = encoder.encode('d-1', given, record);
      const { decision, confidence, factors, absent, reasons } = record.toScore();
      const model = { core_sha256: core.identity.core_sha256, weights_version: set.version };
      const body = { id: 'd-1', decision, confidence, factors, absent, reasons, model };
      const text = answerJson(encoded, { recorded: 'durable', receipt });
      expect(text).toBe(JSON.stringify({ ...body, recorded: 'durable', receipt }));
      expect(decisionAnswer.safeParse(JSON.parse(text)).success).toBe(true);
      expect(encoded.decision).toBe(decision);
    }),
  );
});

test('every combination of absent factors has its own text', () => {
  for (let bits = 0; bits < 16; bits++) {
    const given: ScoreInput = { cpu: 1, ram: 2, severity: 'none' };
    if (bits & 1) given.historyPressure = 0.1;
    if (bits & 2) given.latencyMs = 5;
    if (bits & 4) given.contextRelevance = 0.2;
    if (bits & 8) given.errorRate = 0.3;
    const record = core.slab.scoreOwn(given, own[0]!);
    const event = JSON.parse(encoder.encode('d', given, record).event.text);
    expect([...Object.keys(event.factors), ...event.absent].sort()).toEqual([...factorNames].sort());
  }
});
