/** In the order of the module's codes, which begin at 1. */
export const breakerStates = [
  'closed',
  'open',
  'half_open',
  'forced_open',
  'disabled',
  'metrics_only',
] as const;
export type BreakerState = (typeof breakerStates)[number];

/** In the order of the module's codes, which begin at 1. */
export const breakerCauses = [
  'failure_rate',
  'slow_rate',
  'open_time_over',
  'probe_failed',
  'probe_slow',
  'probe_lost',
  'probes_succeeded',
  'forced',
  'reset',
] as const;
export type BreakerCause = (typeof breakerCauses)[number];

/** `ignored`: a caller's own mistake, or a call that was given up; it counts as nothing and gives a probe's permit back. */
export type BreakerOutcome = 'success' | 'failure' | 'ignored';

/** Throws a RangeError for what is not an outcome. */
export function outcomeCode(outcome: BreakerOutcome): number {
  if (outcome === 'success') return 0;
  if (outcome === 'failure') return 1;
  if (outcome === 'ignored') return 2;
  throw new RangeError(`an outcome must be success, failure or ignored, not ${String(outcome)}`);
}

/** What `record` did: nothing but count it as late, count the outcome, or count it and make a transition. */
export type BreakerRecorded = 'late' | 'counted' | 'moved';

export interface BreakerTransition {
  from: BreakerState;
  to: BreakerState;
  cause: BreakerCause;
  /** When it was made: whole monotonic ms of the clock that callers pass in. */
  timeMs: number;
}

export interface BreakerWindow {
  calls: number;
  failures: number;
  /** Successes and failures that took the slow time or longer. */
  slow: number;
}

/** Every report is in exactly one of the first five; since the breaker was made. */
export interface BreakerCounters {
  /** That were not slow. */
  successes: number;
  /** Successes that were slow. */
  slow: number;
  failures: number;
  ignored: number;
  /** Reports of permits whose time was over; they changed nothing else. */
  late: number;
  refused: number;
  openings: number;
}
