import type { Clock, SetTimer } from '../contracts/clock.js';

/** A clock and timers that a test or a simulation moves by hand. */
export class SimulatedTime {
  #nowMs = 0;
  #timers = new Set<{ atMs: number; run: () => void }>();

  readonly clock: Clock = { wallMs: () => this.#nowMs, monotonicMs: () => this.#nowMs };

  readonly setTimer: SetTimer = (run, delayMs) => {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  };

  get timers(): number {
    return this.#timers.size;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Moves on, and rings what falls due in its order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = Array.from(this.#timers)
        .filter((timer) => timer.atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
    }
    this.#nowMs = untilMs;
  }
}
