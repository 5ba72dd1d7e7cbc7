import type { BreakerWindow } from '../breaker-types.js';

/** The window of one generation: what both kinds have in common. */
export interface ReferenceWindow {
  push(failed: boolean, slow: boolean, now: number): void;
  /** As it stands for the outcome just pushed. */
  pushed(): BreakerWindow;
  /** As it stands at a time; without one, at the newest outcome. */
  at(now?: number): BreakerWindow;
}

interface Outcome {
  failed: boolean;
  slow: boolean;
}

/** The last so many outcomes. */
export class CountReference implements ReferenceWindow {
  readonly #size: number;
  readonly #outcomes: Outcome[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  push(failed: boolean, slow: boolean): void {
    this.#outcomes.push({ failed, slow });
    if (this.#outcomes.length > this.#size) this.#outcomes.shift();
  }

  pushed(): BreakerWindow {
    return this.at();
  }

  at(): BreakerWindow {
    return {
      calls: this.#outcomes.length,
      failures: this.#outcomes.filter(({ failed }) => failed).length,
      slow: this.#outcomes.filter(({ slow }) => slow).length,
    };
  }

  restore({ calls, failures, slow }: BreakerWindow): void {
    const spread = (i: number, some: number) =>
      Math.floor(((i + 1) * some) / calls) > Math.floor((i * some) / calls);
    for (let i = 0; i < calls; i++) this.push(spread(i, failures), spread(i, slow));
  }
}

const bucketCallsMax = 524_287;
/** A ring has so many places whatever the window needs. */
const places = 64;

/** The last so many buckets of a length in ticks. */
export class TimeReference implements ReferenceWindow {
  readonly #ticks: number;
  readonly #buckets: number;
  /** By place: number of the bucket modulo 64. */
  readonly #ring = new Map<number, BreakerWindow & { number: number }>();
  #last = 0;

  constructor(ticks: number, buckets: number) {
    this.#ticks = ticks;
    this.#buckets = buckets;
  }

  push(failed: boolean, slow: boolean, now: number): void {
    const wanted = this.#number(now);
    const place = wanted % places;
    let bucket = this.#ring.get(place);
    if (bucket === undefined || bucket.number < wanted) {
      bucket = { number: wanted, calls: 0, failures: 0, slow: 0 };
      this.#ring.set(place, bucket);
    }
    if (bucket.calls === bucketCallsMax) {
      bucket.calls = Math.floor(bucket.calls / 2);
      bucket.failures = Math.floor(bucket.failures / 2);
      bucket.slow = Math.floor(bucket.slow / 2);
    }
    bucket.calls++;
    if (failed) bucket.failures++;
    if (slow) bucket.slow++;
    this.#last = bucket.number;
  }

  pushed(): BreakerWindow {
    return this.#sum(this.#last);
  }

  at(now?: number): BreakerWindow {
    if (now !== undefined) return this.#sum(this.#number(now));
    return this.#sum(Math.max(0, ...[...this.#ring.values()].map(({ number }) => number)));
  }

  restore(counts: BreakerWindow, now: number): void {
    const number = this.#number(now) - this.#buckets + 1;
    this.#ring.set(number % places, { number, ...counts });
  }

  #number(now: number): number {
    return places + Math.floor(now / this.#ticks);
  }

  #sum(newest: number): BreakerWindow {
    const sum = { calls: 0, failures: 0, slow: 0 };
    for (const { number, calls, failures, slow } of this.#ring.values()) {
      if (number <= newest - this.#buckets || number > newest) continue;
      sum.calls += calls;
      sum.failures += failures;
      sum.slow += slow;
    }
    return sum;
  }
}
