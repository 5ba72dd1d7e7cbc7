import type { DecisionMade, ScoreInput } from '../../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import type { JsonObject } from '../../../runtime/contracts/json.js';
import { type Check, type Finding, ok } from './check.js';

const REMEMBERED_MAX = 32;

/** Which figure of a decision must be which of its sample. */
const sameFigures: readonly (readonly [keyof DeviceSample, keyof ScoreInput])[] = [
  ['cpu', 'cpu'],
  ['ram', 'ram'],
  ['disk', 'disk'],
  ['temperature_c', 'temperatureC'],
];

function difference(sample: DeviceSample, decision: DecisionMade): JsonObject | undefined {
  for (const [inSample, inDecision] of sameFigures) {
    const sampled = sample[inSample];
    const decided = decision.input[inDecision];
    if (sampled === decided) continue;
    const told = (value: unknown) => (typeof value === 'number' ? value : null);
    return { figure: inSample, sampled: told(sampled), decided: told(decided) };
  }
  return undefined;
}

function remember<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > REMEMBERED_MAX) list.shift();
}

/** Reflexia and ZeroIA agree: each sample is decided on, with its own figures, before an interval has passed. */
export class SampleDecided implements Check {
  readonly name = 'sample_decided';
  readonly accountOf = 'zeroia';
  readonly kind = 'data_consistency';
  readonly about =
    'Each sample of the device is decided on within one interval, with the figures that were measured.';
  readonly #intervalMs: number;
  readonly #samples: DeviceSample[] = [];
  readonly #decisions: DecisionMade[] = [];
  /** Decisions not yet held against their samples. */
  #fresh: DecisionMade[] = [];

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  sampled(sample: DeviceSample): void {
    remember(this.#samples, sample);
  }

  decided(decision: DecisionMade): void {
    if (decision.sampleMonotonicMs === undefined) return;
    remember(this.#decisions, decision);
    remember(this.#fresh, decision);
  }

  compare(): Finding {
    const newest = this.#samples.at(-1);
    if (newest === undefined) return { level: 'info', fault: 'no_sample', evidence: {} };
    return this.#wrongDecision() ?? this.#undecided(newest.monotonic_ms);
  }

  /** The first new decision whose sample is unknown or says something else. */
  #wrongDecision(): Finding | undefined {
    const fresh = this.#fresh;
    this.#fresh = [];
    const oldestMs = this.#samples[0]!.monotonic_ms;
    for (const decision of fresh) {
      const atMs = decision.sampleMonotonicMs!;
      if (atMs < oldestMs) continue;
      const evidence = { decision_index: decision.index, sample_monotonic_ms: atMs };
      const sample = this.#samples.find(({ monotonic_ms }) => monotonic_ms === atMs);
      if (sample === undefined) return { level: 'critical', fault: 'unknown_sample', evidence };
      const differs = difference(sample, decision);
      if (differs !== undefined) {
        return { level: 'critical', fault: 'figures_differ', evidence: { ...evidence, ...differs } };
      }
    }
    return undefined;
  }

  /** Whether the newest sample that had its interval was decided on. */
  #undecided(nowMs: number): Finding {
    const due = this.#samples.findLast(({ monotonic_ms }) => nowMs - monotonic_ms >= this.#intervalMs);
    if (due === undefined) return ok;
    if (due.cpu === undefined || due.ram === undefined) {
      return { level: 'info', fault: 'not_decidable', evidence: { absent: due.absent } };
    }
    if (this.#decisions.some(({ sampleMonotonicMs }) => sampleMonotonicMs === due.monotonic_ms)) return ok;
    return {
      level: 'warning',
      fault: 'undecided',
      evidence: { sample_monotonic_ms: due.monotonic_ms, waited_ms: nowMs - due.monotonic_ms },
    };
  }
}
