import type { BreakerCause, BreakerSlot, Core } from '../../core-wasm/index.js';
import type { Config } from '../config/schema.js';
import type {
  Breaker,
  BreakerOutcome,
  BreakerSnapshot,
  BreakerState,
  Breakers,
  Permit,
} from '../contracts/breaker.js';
import type { Clock } from '../contracts/clock.js';

export interface BreakerTransitionEvent {
  name: string;
  from: BreakerState;
  to: BreakerState;
  cause: BreakerCause;
  /** Transitions before this one that other threads made faster than they were read here; 0 but in a storm. */
  missed: number;
}

/** Breakers in the shared memory, one slot per name. Transitions made by other threads are told at the next call here. */
export class CoreBreakers implements Breakers {
  readonly #core: Core;
  readonly #options: Config['breaker'];
  readonly #clock: Clock;
  readonly #onTransition: (event: BreakerTransitionEvent) => void;
  readonly #breakers = new Map<string, CoreBreaker>();

  /** Throws a RangeError for options that contradict each other. `onTransition` is called once per transition, in order. */
  constructor(
    core: Core,
    options: Config['breaker'],
    clock: Clock,
    onTransition: (event: BreakerTransitionEvent) => void,
  ) {
    if (options.calls_min > options.window_calls) {
      throw new RangeError(
        `breaker.calls_min must be at most breaker.window_calls (${options.window_calls}), not ${options.calls_min}`,
      );
    }
    this.#core = core;
    this.#options = options;
    this.#clock = clock;
    this.#onTransition = onTransition;
  }

  /** Throws a RangeError when all slots of the core are taken. */
  get(name: string): CoreBreaker {
    const known = this.#breakers.get(name);
    if (known !== undefined) return known;
    const options = this.#options;
    const slot = this.#core.breakers.take({
      windowCalls: options.window_calls,
      callsMin: options.calls_min,
      failureRate: options.failure_rate,
      openMs: options.open_ms,
      halfOpenPermits: options.half_open_permits,
      halfOpenMs: options.half_open_ms,
    });
    const breaker = new CoreBreaker(name, slot, this.#clock, this.#onTransition);
    this.#breakers.set(name, breaker);
    return breaker;
  }

  all(): BreakerSnapshot[] {
    return [...this.#breakers.values()].map((breaker) => breaker.snapshot());
  }
}

class CoreBreaker implements Breaker {
  readonly name: string;
  /** Slot in the core, for a thread that works on the same breaker. */
  readonly slot: number;
  readonly #slot: BreakerSlot;
  readonly #clock: Clock;
  readonly #onTransition: (event: BreakerTransitionEvent) => void;
  #told = 0;
  #telling = false;

  constructor(
    name: string,
    slot: BreakerSlot,
    clock: Clock,
    onTransition: (event: BreakerTransitionEvent) => void,
  ) {
    this.name = name;
    this.slot = slot.index;
    this.#slot = slot;
    this.#clock = clock;
    this.#onTransition = onTransition;
  }

  acquire(): Permit {
    const permit = this.#slot.acquire(this.#clock.monotonicMs());
    this.#tell();
    return permit >= 0 ? { ok: true, permit } : { ok: false, retryAfterMs: -permit };
  }

  record(permit: number, outcome: BreakerOutcome): void {
    this.#slot.record(permit, outcome, this.#clock.monotonicMs());
    this.#tell();
  }

  snapshot(): BreakerSnapshot {
    this.#tell();
    const state = this.#slot.state();
    const snapshot: BreakerSnapshot = {
      name: this.name,
      state,
      ...this.#slot.window(),
      openings: this.#slot.counters().openings,
    };
    if (state === 'open') snapshot.retry_after_ms = this.#slot.retryAfterMs(this.#clock.monotonicMs());
    return snapshot;
  }

  /** Tells the transitions since the last call. A handler that calls back does not nest: the outer loop tells on, in order. */
  #tell(): void {
    if (this.#telling || this.#slot.transition() === this.#told) return;
    this.#telling = true;
    let missed = 0;
    try {
      while (this.#slot.transition() !== this.#told) {
        this.#told = this.#slot.transitionAfter(this.#told);
        const transition = this.#slot.transitionAt(this.#told);
        if (transition === undefined) {
          missed++;
          continue;
        }
        this.#onTransition({ name: this.name, ...transition, missed });
        missed = 0;
      }
    } finally {
      this.#telling = false;
    }
  }
}
