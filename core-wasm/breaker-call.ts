import type { BreakerSlot } from './breaker-slot.js';
import type { Judge } from './call-end.js';

/** The breaker let nothing through: a value, so that a refusal costs no stack. */
export class BreakerRefusal {
  /** When it is worth asking again, in ms. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Runs an async call behind a breaker and reports its outcome and its time. Gives a promise of what the call gives or throws, or, when
 * the call was not run, a {@link BreakerRefusal} at once.
 *
 * `now` gives monotonic ms; it is asked twice, so give it a clock that is read once a turn of the event loop. `judge` says what an error
 * means for the breaker and must not throw; without it each one is a failure. Give the same `now` and `judge` to all calls: then those
 * of one turn share their two callbacks.
 */
export function throughBreaker<T>(
  slot: BreakerSlot,
  now: () => number,
  call: () => Promise<T>,
  judge?: Judge,
): Promise<T> | BreakerRefusal {
  const beganMs = now();
  const permit = slot.acquire(beganMs);
  if (permit < 0) return new BreakerRefusal(-permit);
  const end = slot.callEnd(permit, beganMs, now, judge);
  let promise: Promise<T>;
  try {
    promise = call();
  } catch (error) {
    return end.fail(error);
  }
  // One promise more than the call's own: an async function around it would cost 30 ns more.
  return promise.then(end.succeed, end.fail);
}
