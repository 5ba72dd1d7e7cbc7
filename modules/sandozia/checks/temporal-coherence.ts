import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../../runtime/contracts/device.js';
import type { JsonObject } from '../../../runtime/contracts/json.js';
import { type Check, type Finding, ok } from './check.js';

/** Sensors are read up to a second before the sample gets its time, this time and the last. */
const STEP_MS_TOLERATED = 2500;
/** Intervals between two samples from which it is worth a word. */
const SILENT_INTERVALS = 4;

type Wrong = Exclude<Finding, { level: 'ok' }>;
const rank = { info: 0, warning: 1, critical: 2 } as const;

/** What is told comes in an order that can be: time never goes back, nothing is decided before it was measured, and clocks agree. */
export class TemporalCoherence implements Check {
  readonly name = 'temporal_coherence';
  readonly kind = 'temporal_coherence';
  readonly accountOf = {
    time_went_back: 'reflexia',
    clock_step_differs: 'reflexia',
    index_went_back: 'zeroia',
    decided_before_measured: 'zeroia',
    decided_twice: 'zeroia',
  };
  readonly about =
    'Time of samples and indexes of decisions only go forward, each sample is decided on once and after it, and the wall clock steps as far as is told.';
  readonly #intervalMs: number;
  #sample: DeviceSample | undefined;
  #decidedMs: number | undefined;
  #index = -1;
  #wrong: Wrong | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  sampled(sample: DeviceSample): void {
    const before = this.#sample;
    this.#sample = sample;
    if (before === undefined) return;
    const elapsed_ms = sample.monotonic_ms - before.monotonic_ms;
    if (elapsed_ms <= 0) {
      this.#note('critical', 'time_went_back', {
        before_ms: before.monotonic_ms,
        now_ms: sample.monotonic_ms,
      });
      return;
    }
    const stepped_ms = sample.wall_ms - before.wall_ms - elapsed_ms;
    const told_ms = sample.clock_step_ms;
    if (told_ms !== undefined && Math.abs(stepped_ms - told_ms) > STEP_MS_TOLERATED) {
      this.#note('warning', 'clock_step_differs', { stepped_ms, told_ms });
    }
    if (elapsed_ms > SILENT_INTERVALS * this.#intervalMs) {
      this.#note('info', 'samples_paused', { elapsed_ms, interval_ms: this.#intervalMs });
    }
  }

  decided({ id, index, sampleMonotonicMs: sample_ms }: DecisionMade): void {
    if (index !== null && sample_ms !== undefined) {
      if (index <= this.#index)
        this.#note('critical', 'index_went_back', { decision: id, index, before: this.#index });
      this.#index = Math.max(this.#index, index);
    }
    if (sample_ms === undefined) return;
    const newest_ms = this.#sample?.monotonic_ms;
    if (newest_ms !== undefined && sample_ms > newest_ms) {
      this.#note('critical', 'decided_before_measured', { decision: id, sample_ms, newest_ms });
    }
    if (sample_ms === this.#decidedMs) this.#note('warning', 'decided_twice', { decision: id, sample_ms });
    this.#decidedMs = sample_ms;
  }

  /** Tells the worst since it was last asked, the first of equals. */
  compare(): Finding {
    const wrong = this.#wrong;
    this.#wrong = undefined;
    return wrong ?? ok;
  }

  #note(level: Wrong['level'], fault: string, evidence: JsonObject): void {
    if (this.#wrong !== undefined && rank[this.#wrong.level] >= rank[level]) return;
    this.#wrong = { level, fault, evidence };
  }
}
