import type { RateLimiter, RateVerdict } from '../../contracts/admission.js';

/** Names that are remembered; those whose bucket is full are forgotten first. */
const namesMax = 4096;
const minuteMs = 60_000;

/**
 * A token bucket a name, of so many a minute and as many at once. The two limiters of the hot core are for requests and prompts; a witness
 * is asked once a minute by each log, so a Map is enough.
 */
export class Buckets implements RateLimiter {
  readonly #perMinute: number;
  /** When the bucket of a name is full again; the name used last stands last. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  take(name: string, nowMs: number): RateVerdict {
    const stepMs = minuteMs / this.#perMinute;
    const fullAt = Math.max(this.#fullAtMs.get(name) ?? nowMs, nowMs);
    const waitMs = fullAt + stepMs - nowMs - minuteMs;
    // A name more than can be remembered is refused while all of them are in debt.
    if (!this.#fullAtMs.has(name) && !this.#hasRoom(nowMs)) return { ok: false, retryAfterMs: minuteMs };
    if (waitMs > 1e-6) return { ok: false, retryAfterMs: Math.max(1, Math.ceil(waitMs)) };
    this.#fullAtMs.delete(name);
    this.#fullAtMs.set(name, fullAt + stepMs);
    return { ok: true };
  }

  #hasRoom(nowMs: number): boolean {
    if (this.#fullAtMs.size < namesMax) return true;
    for (const [name, fullAt] of this.#fullAtMs) {
      if (fullAt <= nowMs) this.#fullAtMs.delete(name);
    }
    return this.#fullAtMs.size < namesMax;
  }
}
