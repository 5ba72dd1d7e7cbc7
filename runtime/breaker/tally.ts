import type { BreakerSnapshot } from '../contracts/breaker.js';
import type { NewEvent } from '../contracts/ledger.js';

export interface CallTallyOptions {
  /** The breakers with their totals since the start. */
  all: () => readonly BreakerSnapshot[];
  /** Monotonic ms. */
  now: () => number;
  record: (event: NewEvent) => void;
}

type Totals = BreakerSnapshot['totals'];

const nothing: Totals = { successes: 0, slow: 0, failures: 0, ignored: 0, late: 0, refused: 0 };

/**
 * Records the calls of each engine as counts, one event a kind and an interval instead of one a call; nothing for what did not happen.
 * What a caller was told is an event of its own (`chat_answered`, `chat_failed`).
 */
export class CallTally {
  readonly #options: CallTallyOptions;
  readonly #told = new Map<string, Totals>();
  #toldMs: number;

  constructor(options: CallTallyOptions) {
    this.#options = options;
    this.#toldMs = options.now();
  }

  /** Records what was counted since the last time, or since this was made. */
  tell(): void {
    const { all, now, record } = this.#options;
    const nowMs = now();
    const interval_ms = Math.round(nowMs - this.#toldMs);
    this.#toldMs = nowMs;
    for (const { name, state, totals } of all()) {
      const before = this.#told.get(name) ?? nothing;
      this.#told.set(name, totals);
      const slow = totals.slow - before.slow;
      const successes = totals.successes - before.successes + slow;
      const failures = totals.failures - before.failures;
      const refused = totals.refused - before.refused;
      const counted = (calls: number) => ({ breaker: name, calls, interval_ms });
      const module = 'kernel';
      if (successes > 0) record({ type: 'circuit_success', module, data: { ...counted(successes), slow } });
      if (failures > 0) record({ type: 'circuit_failure', module, data: counted(failures) });
      if (refused > 0) record({ type: 'call_blocked', module, data: { ...counted(refused), state } });
    }
  }
}
