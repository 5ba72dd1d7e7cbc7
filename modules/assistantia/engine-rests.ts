import type { Clock } from '../../runtime/contracts/clock.js';
import type { Failure } from './failures.js';

/** Longer than this no engine is left alone, whatever it asks for. */
const REST_MAX_MS = 60_000;

/**
 * Engines that said they have too much to do and when to come back (429 or 503 with Retry-After) are left alone until then. The
 * breaker does not count such an answer: the engine is well.
 */
export class EngineRests {
  readonly #clock: Clock;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in what a prompt failed of. */
  failed(engine: string, { cause, error }: Failure): void {
    if (cause !== 'engine_overloaded' || error.retryAfterMs === undefined) return;
    this.#untilMs.set(engine, this.#clock.monotonicMs() + Math.min(error.retryAfterMs, REST_MAX_MS));
  }

  /** Milliseconds until the engine may be asked again; 0 when it may be now. */
  leftMs(engine: string): number {
    return Math.max(0, (this.#untilMs.get(engine) ?? 0) - this.#clock.monotonicMs());
  }
}
