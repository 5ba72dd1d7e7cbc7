import type { ConcurrencyOptions } from '../concurrency-limit.js';

/**
 * The concurrency limit in plain TypeScript, for one thread: the slow twin that property tests hold against the hot core. The limit is
 * kept in whole 1/4096, the long-term RTT as an f32, as there.
 */
export class ReferenceConcurrencyLimit {
  longRttMs = 0;
  samples = 0;
  dropped = 0;
  readonly #options: ConcurrencyOptions;
  #limit: number;

  constructor(options: ConcurrencyOptions) {
    this.#options = options;
    this.#limit = options.initial;
  }

  exact(): number {
    return this.#limit;
  }

  sample(rttMs: number, inFlight: number, dropped: boolean): void {
    const { min } = this.#options;
    if (dropped) {
      this.dropped++;
      this.#limit = cut(Math.max(min, this.#limit * 0.9));
      return;
    }
    this.samples++;
    const rtt = Math.max(2 ** -10, rttMs);
    const factor = 2 / (this.#options.window + 1);
    const long =
      this.samples <= 10
        ? this.longRttMs + (rtt - this.longRttMs) / this.samples
        : this.longRttMs * (1 - factor) + rtt * factor;
    this.longRttMs = Math.fround(long / rtt > 2 ? long * 0.9 : long);
    if (inFlight >= this.#limit / 2) this.#limit = this.#moved(long, rtt);
  }

  #moved(long: number, rtt: number): number {
    const { min, max, queue, tolerance, smoothing } = this.#options;
    const gradient = Math.max(0.5, Math.min(1, (tolerance * long) / rtt));
    const target = this.#limit * gradient + queue;
    return cut(Math.min(max, Math.max(min, this.#limit * (1 - smoothing) + target * smoothing)));
  }
}

const cut = (limit: number) => Math.floor(limit * 4096) / 4096;
