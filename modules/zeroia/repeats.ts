import type { Clock } from '../../runtime/contracts/clock.js';
import type { Score } from '../../runtime/contracts/decision.js';

/**
 * Which of the device's own decisions are recorded: each that differs from the last recorded, and otherwise one in an interval, with the
 * number of those in between. A device at rest decides the same thousands of times a day, and each event is a sync of an SD card.
 */
export class Repeats {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  #last: { key: string; atMs: number } | undefined;
  #count = 0;

  /** @param intervalMs 0 records every decision. */
  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** Decisions since the last recorded one, all of them the same. */
  get count(): number {
    return this.#count;
  }

  /** Whether this one only repeats what is recorded; counts it then. */
  isRepeat(score: Score): boolean {
    const last = this.#last;
    if (last === undefined || last.key !== keyOf(score)) return false;
    if (this.#clock.monotonicMs() - last.atMs >= this.#intervalMs) return false;
    this.#count++;
    return true;
  }

  /** This one is recorded, with the count. */
  recorded(score: Score): void {
    this.#last = { key: keyOf(score), atMs: this.#clock.monotonicMs() };
    this.#count = 0;
  }
}

function keyOf({ decision, reasons, absent }: Score): string {
  return [decision, ...reasons, '-', ...absent].join();
}
