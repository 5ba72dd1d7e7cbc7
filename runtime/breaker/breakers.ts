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

export interface TransitionNotice {
  name: string;
  from: BreakerState;
  to: BreakerState;
  cause: BreakerCause;
}

export interface BreakersOptions {
  core: Core;
  config: Config['breaker'];
  clock: Clock;
  /** Told once of every transition, in order, whichever thread made it; on this thread's next use of the breaker at the latest. */
  onTransition: (notice: TransitionNotice) => void;
}

/** One breaker of the hot core under a name. */
class SlotBreaker implements Breaker {
  readonly name: string;
  readonly #slot: BreakerSlot;
  readonly #options: BreakersOptions;
  #told = 0;

  constructor(name: string, slot: BreakerSlot, options: BreakersOptions) {
    this.name = name;
    this.#slot = slot;
    this.#options = options;
  }

  acquire(): Permit {
    const answer = this.#slot.acquire(this.#options.clock.monotonicMs());
    this.#tell();
    return answer >= 0 ? { ok: true, permit: answer } : { ok: false, retryAfterMs: -answer };
  }

  record(permit: number, outcome: BreakerOutcome): void {
    this.#slot.record(permit, outcome, this.#options.clock.monotonicMs());
    this.#tell();
  }

  snapshot(): BreakerSnapshot {
    this.#tell();
    const { calls, failures } = this.#slot.window();
    const state = this.#slot.state();
    const snapshot: BreakerSnapshot = {
      name: this.name,
      state,
      calls,
      failures,
      openings: this.#slot.counters().openings,
    };
    if (state === 'open')
      snapshot.retry_after_ms = this.#slot.retryAfterMs(this.#options.clock.monotonicMs());
    return snapshot;
  }

  /** Passes on the transitions since the last time. The core keeps the last 64; more cannot happen between two uses of a name. */
  #tell(): void {
    const latest = this.#slot.transition();
    while (this.#told !== latest) {
      this.#told = this.#slot.transitionAfter(this.#told);
      const transition = this.#slot.transitionAt(this.#told);
      if (transition !== undefined) this.#options.onTransition({ name: this.name, ...transition });
    }
  }
}

/** Breakers by name over the slots of the shared memory. @throws RangeError at the first use when all slots are taken. */
export function createBreakers(options: BreakersOptions): Breakers {
  const { config, core } = options;
  const breakers = new Map<string, SlotBreaker>();
  return {
    get(name) {
      let breaker = breakers.get(name);
      if (breaker === undefined) {
        const slot = core.breakers.take({
          windowCalls: config.window_calls,
          callsMin: config.calls_min,
          failureRate: config.failure_rate,
          openMs: config.open_ms,
          halfOpenPermits: config.half_open_permits,
          halfOpenMs: config.half_open_ms,
        });
        breaker = new SlotBreaker(name, slot, options);
        breakers.set(name, breaker);
      }
      return breaker;
    },
    all: () => [...breakers.values()].map((breaker) => breaker.snapshot()),
  };
}
