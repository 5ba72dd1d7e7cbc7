import type { Decision } from '../../runtime/contracts/decision.js';
import type { DegradationLevel } from '../../runtime/contracts/device.js';

/** One turn of the reason loop: sample, score, decide, act, record. */
export interface Cycle {
  /** From 1 since the start. */
  number: number;
  cpu: number | null;
  ram: number | null;
  temperature_c: number | null;
  decision: Decision | null;
  confidence: number | null;
  /** The decision that was acted on, when a contradiction was settled otherwise. */
  acted: Decision | null;
  contradiction: string | null;
  level: DegradationLevel;
  took_ms: number;
  /** Why it did not come to its end. */
  failure: string | null;
}

const KEPT = 16;

/** Counts the turns of the reason loop and keeps the last 16. */
export class Cycles {
  readonly #last: Cycle[] = [];
  #count = 0;
  #failed = 0;
  #contradictions = 0;

  add(cycle: Omit<Cycle, 'number'>): void {
    this.#count += 1;
    if (cycle.failure !== null) this.#failed += 1;
    if (cycle.contradiction !== null) this.#contradictions += 1;
    this.#last.push({ number: this.#count, ...cycle });
    if (this.#last.length > KEPT) this.#last.shift();
  }

  status() {
    return {
      count: this.#count,
      failed: this.#failed,
      contradictions: this.#contradictions,
      last: [...this.#last],
    };
  }
}
