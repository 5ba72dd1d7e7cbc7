import type { BreakerSlot, BreakerWindow, SavedBreaker } from '../../core-wasm/index.js';
import type {
  Breaker,
  BreakerCause,
  BreakerOrder,
  BreakerOutcome,
  BreakerSnapshot,
  BreakerState,
  Permit,
} from '../contracts/breaker.js';

export interface BreakerTransitionEvent {
  name: string;
  /** Of this transition since the start, modulo 8,388,608. */
  number: number;
  from: BreakerState;
  to: BreakerState;
  cause: BreakerCause;
  /** When it was made, in whole ms of the monotonic clock. */
  monotonicMs: number;
  /** The window as it is now: while it does not run, the one that opened it. */
  window: BreakerWindow;
  /** Time that it will still be open. */
  openMs: number;
  /** How often the open time has grown. */
  openStep: number;
  /** Who gave the order that made it. */
  by?: string;
  /** Transitions before this one that other threads made faster than they were read here; 0 but in a storm. */
  missed: number;
}

/** One breaker of this process over its slot in the shared memory. */
export class CoreBreaker implements Breaker {
  readonly name: string;
  /** Slot in the core, for a thread that works on the same breaker. */
  readonly slot: number;
  readonly #slot: BreakerSlot;
  readonly #now: () => number;
  readonly #onTransition: (event: BreakerTransitionEvent) => void;
  #told = 0;
  #telling = false;

  /** Made by {@link CoreBreakers}. */
  constructor(
    name: string,
    slot: BreakerSlot,
    now: () => number,
    onTransition: (event: BreakerTransitionEvent) => void,
  ) {
    this.name = name;
    this.slot = slot.index;
    this.#slot = slot;
    this.#now = now;
    this.#onTransition = onTransition;
  }

  acquire(): Permit {
    const permit = this.#slot.acquire(this.#now());
    this.#tell();
    return permit >= 0 ? { ok: true, permit } : { ok: false, retryAfterMs: -permit };
  }

  record(permit: number, outcome: BreakerOutcome, durationMs?: number): void {
    this.#slot.record(permit, outcome, this.#now(), durationMs);
    this.#tell();
  }

  order(order: BreakerOrder, by: string): boolean {
    // What others did before is told first, so that only this order gets the name.
    this.#tell();
    const changed = order === 'reset' ? this.#reset() : this.#slot.force(order, this.#now());
    this.#tell(by);
    return changed;
  }

  snapshot(): BreakerSnapshot {
    this.#tell();
    const now = this.#now();
    const state = this.#slot.state();
    const { openings, ...totals } = this.#slot.counters();
    const snapshot: BreakerSnapshot = {
      name: this.name,
      state,
      ...this.#slot.window(now),
      openings,
      open_step: this.#slot.step(now),
      totals,
    };
    if (state === 'open') snapshot.retry_after_ms = this.#slot.retryAfterMs(now);
    const number = this.#slot.transition();
    const last = this.#slot.transitionAt(number, now);
    if (last !== undefined) {
      const { from, to, cause, timeMs } = last;
      snapshot.last = { number, from, to, cause, monotonic_ms: timeMs };
    }
    return snapshot;
  }

  save(): SavedBreaker {
    return this.#slot.save(this.#now());
  }

  #reset(): true {
    this.#slot.reset(this.#now());
    return true;
  }

  /** Tells the transitions since the last call. A handler that calls back does not nest: the outer loop tells on, in order. */
  #tell(by?: string): void {
    if (this.#telling || this.#slot.transition() === this.#told) return;
    this.#telling = true;
    let missed = 0;
    try {
      while (this.#slot.transition() !== this.#told) {
        this.#told = this.#slot.transitionAfter(this.#told);
        const now = this.#now();
        const transition = this.#slot.transitionAt(this.#told, now);
        if (transition === undefined) {
          missed++;
          continue;
        }
        const { from, to, cause, timeMs } = transition;
        this.#onTransition({
          name: this.name,
          number: this.#told,
          from,
          to,
          cause,
          monotonicMs: timeMs,
          window: this.#slot.window(now),
          openMs: this.#slot.retryAfterMs(now),
          openStep: this.#slot.step(now),
          ...(by !== undefined && (cause === 'forced' || cause === 'reset') ? { by } : {}),
          missed,
        });
        missed = 0;
      }
    } finally {
      this.#telling = false;
    }
  }
}
