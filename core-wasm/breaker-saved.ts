import type { CheckedOptions } from './breaker-options.js';
import { type BreakerState, breakerStates } from './breaker-types.js';
import type { Constants } from './exports.js';

/** What is kept of a breaker over a restart: plain JSON, without any reading of a clock. */
export interface SavedBreaker {
  state: BreakerState;
  /** How often the open time had grown, 0 to 31. */
  step: number;
  /** Time it had still to stay open; 0 unless it was open. */
  openMs: number;
  window: { calls: number; failures: number; slow: number };
}

/** What a slot is started with. */
export type StartFacts = SavedBreaker & { state: Exclude<BreakerState, 'half_open'> };

/**
 * The saved breaker within the bounds of options that may be others than those it was saved under: half-open becomes open with
 * nothing left, so that the next call is a probe; the time left is at most the longest open time; a window that is too large is
 * cut in proportion.
 *
 * Throws a RangeError for what no breaker can have saved.
 */
export function adaptSaved(saved: SavedBreaker, options: CheckedOptions, at: Constants): StartFacts {
  const { state, step, openMs, window } = saved;
  if (!breakerStates.includes(state)) throw new RangeError(`a saved state cannot be ${String(state)}`);
  count('step', step, at.STEP_MAX);
  if (!(openMs >= 0 && openMs < at.TIME_MAX_MS)) throw new RangeError(`a saved openMs cannot be ${openMs}`);
  const calls = count('window.calls', window.calls, 2 ** 31);
  const failures = count('window.failures', window.failures, calls);
  const slow = count('window.slow', window.slow, calls);
  const room = options.buckets > 0 ? at.BUCKET_CALLS_MAX : options.calls;
  const scale = calls > room ? room / calls : 1;
  return {
    state: state === 'half_open' ? 'open' : state,
    step,
    openMs: state === 'open' ? Math.min(openMs, options.openMsMax) : 0,
    window: {
      calls: Math.min(calls, room),
      failures: Math.floor(failures * scale),
      slow: Math.floor(slow * scale),
    },
  };
}

function count(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`a saved ${name} must be an integer from 0 to ${max}, not ${value}`);
}
