import type { BreakerSlot } from './breaker-slot.js';
import type { BreakerOutcome } from './breaker-types.js';

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
 * means for the breaker and must not throw; without it each one is a failure.
 */
export function throughBreaker<T>(
  slot: BreakerSlot,
  now: () => number,
  call: () => Promise<T>,
  judge?: (error: unknown) => BreakerOutcome,
): Promise<T> | BreakerRefusal {
  const beganMs = now();
  const permit = slot.acquire(beganMs);
  if (permit < 0) return new BreakerRefusal(-permit);
  const fail = (error: unknown): never => {
    const endMs = now();
    slot.record(permit, judge === undefined ? 'failure' : judge(error), endMs, endMs - beganMs);
    throw error;
  };
  let promise: Promise<T>;
  try {
    promise = call();
  } catch (error) {
    return fail(error);
  }
  // One promise more than the call's own: an async function around it would cost 30 ns more.
  return promise.then((value) => {
    const endMs = now();
    slot.record(permit, 'success', endMs, endMs - beganMs);
    return value;
  }, fail);
}
