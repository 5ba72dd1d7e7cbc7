export type BreakerState = 'closed' | 'open' | 'half_open';
export type BreakerOutcome = 'success' | 'failure' | 'ignored';

export interface BreakerSnapshot {
  name: string;
  state: BreakerState;
  /** Calls in the sliding window, and how many of them failed. */
  calls: number;
  failures: number;
  /** Times it opened since it was made. */
  openings: number;
  /** Until the next probe, while open. */
  retry_after_ms?: number;
}

/** A refusal is a value: no exception on the hot path. */
export type Permit = { ok: true; permit: number } | { ok: false; retryAfterMs: number };

export interface Breaker {
  readonly name: string;
  acquire(): Permit;
  /** Every acquired permit is recorded exactly once, also when the call was aborted (`ignored`). */
  record(permit: number, outcome: BreakerOutcome): void;
  snapshot(): BreakerSnapshot;
}

export interface Breakers {
  /** The breaker of that name, made at first use; one slot in the shared memory of the hot core each. */
  get(name: string): Breaker;
  all(): BreakerSnapshot[];
}
