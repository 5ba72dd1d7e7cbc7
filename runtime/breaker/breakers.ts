import type { Core, SavedBreaker } from '../../core-wasm/index.js';
import type { Config } from '../config/schema.js';
import type { BreakerSnapshot, Breakers } from '../contracts/breaker.js';
import { type BreakerTransitionEvent, CoreBreaker } from './core-breaker.js';
import { slotOptions } from './slot-options.js';

export interface CoreBreakersOptions {
  core: Core;
  config: Config['breaker'];
  /** Monotonic ms; asked at every call, so best read once a turn of the event loop. */
  now: () => number;
  /** Random number in [0, 1): seeds the jitter of each breaker. */
  random: () => number;
  /** Called once per transition, in order. */
  onTransition: (event: BreakerTransitionEvent) => void;
  /** What was saved before the restart, by name. */
  saved?: ReadonlyMap<string, SavedBreaker>;
}

/** Breakers in the shared memory, one slot per name. Transitions made by other threads are told at the next call here. */
export class CoreBreakers implements Breakers {
  readonly #options: CoreBreakersOptions;
  readonly #breakers = new Map<string, CoreBreaker>();

  constructor(options: CoreBreakersOptions) {
    this.#options = options;
  }

  /** As it was saved, or closed. Throws a RangeError for options that contradict each other, or when all slots of the core are taken. */
  get(name: string): CoreBreaker {
    const known = this.#breakers.get(name);
    if (known !== undefined) return known;
    const { core, config, now, random, onTransition, saved } = this.#options;
    const options = slotOptions(config, Math.floor(random() * 2 ** 32));
    const kept = saved?.get(name);
    const restore = kept === undefined ? undefined : { saved: kept, nowMs: now() };
    const breaker = new CoreBreaker(name, core.breakers.take(options, restore), now, onTransition);
    this.#breakers.set(name, breaker);
    return breaker;
  }

  find(name: string): CoreBreaker | undefined {
    return this.#breakers.get(name);
  }

  all(): BreakerSnapshot[] {
    return [...this.#breakers.values()].map((breaker) => breaker.snapshot());
  }

  /** What to keep over a restart, by name: also what was saved for breakers that nobody has asked for since. */
  save(): Map<string, SavedBreaker> {
    const saved = new Map(this.#options.saved);
    for (const [name, breaker] of this.#breakers) saved.set(name, breaker.save());
    return saved;
  }
}
