import type { AdaptiveStatus } from '../contracts/admission.js';

/** A limit that follows what an engine can take; the hot core's concurrency limit is one. */
export interface AdaptiveLimit {
  readonly max: number;
  now(): number;
  sample(rttMs: number, inFlight: number, dropped: boolean): void;
  figures(): { longRttMs: number; samples: number; dropped: number };
}

/** How many slots an engine has: a number where it is known, else a limit that learns it. */
export class Slots {
  readonly max: number;
  readonly #limit: AdaptiveLimit | undefined;
  #told: number | undefined;

  /** @throws RangeError when a number is no whole number from 1. */
  constructor(name: string, slots: number | AdaptiveLimit) {
    if (typeof slots === 'number' && (!Number.isSafeInteger(slots) || slots < 1)) {
      throw new RangeError(`slots of ${name} must be a whole number from 1, not ${slots}`);
    }
    this.#limit = typeof slots === 'number' ? undefined : slots;
    this.max = typeof slots === 'number' ? slots : slots.max;
  }

  /** Slots there are now, 1 to `max`. */
  now(): number {
    return this.#told ?? this.#limit?.now() ?? this.max;
  }

  /** What the engine says itself counts instead of what was learned; a configured number stays. */
  tell(slots: number | undefined): void {
    if (this.#limit !== undefined) this.#told = slots === undefined ? undefined : Math.min(slots, this.max);
  }

  /** Learns from a call: the time until its answer began, the slots in use when it started, and whether the engine dropped it. */
  learn(rttMs: number, busy: number, dropped: boolean): void {
    if (this.#told === undefined) this.#limit?.sample(rttMs, busy, dropped);
  }

  status(): AdaptiveStatus | undefined {
    return this.#limit === undefined || this.#told !== undefined
      ? undefined
      : { slotsMax: this.max, ...this.#limit.figures() };
  }
}
