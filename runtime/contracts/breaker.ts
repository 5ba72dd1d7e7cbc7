import type { BreakerCause, BreakerCounters, BreakerState } from '../../core-wasm/index.js';

export type { BreakerCause, BreakerState } from '../../core-wasm/index.js';

/** `ignored`: a caller's own mistake, or a call that was given up; it counts as nothing and gives a probe's permit back at once. */
export type BreakerOutcome = 'success' | 'failure' | 'ignored';

/** What an operator may set: states that only a call ends, and `reset`, which ends them: closed, empty window, open time not grown. */
export const breakerOrders = ['forced_open', 'disabled', 'metrics_only', 'reset'] as const;
export type BreakerOrder = (typeof breakerOrders)[number];

export interface BreakerSnapshot {
  name: string;
  state: BreakerState;
  /** Calls in the sliding window, and how many of them failed or were slow. While none runs: in the window that opened it. */
  calls: number;
  failures: number;
  slow: number;
  /** Times it opened since the start. */
  openings: number;
  /** How often the open time has grown, 0 to 31. */
  open_step: number;
  /** Until the next probe, while open. */
  retry_after_ms?: number;
  /** Since the start. */
  totals: Omit<BreakerCounters, 'openings'>;
  /** The latest transition since the start; its time is the monotonic clock's. */
  last?: { number: number; from: BreakerState; to: BreakerState; cause: BreakerCause; monotonic_ms: number };
}

/** A refusal is a value: no exception on the hot path. */
export type Permit = { ok: true; permit: number } | { ok: false; retryAfterMs: number };

export interface Breaker {
  readonly name: string;
  acquire(): Permit;
  /**
   * Every acquired permit is recorded exactly once, also when the call was aborted (`ignored`). A success or a failure that took
   * `breaker.slow_call_ms` or longer is slow; without a duration it is not.
   */
  record(permit: number, outcome: BreakerOutcome, durationMs?: number): void;
  snapshot(): BreakerSnapshot;
  /** Carries out an operator's order; `by` says who gave it, for the ledger. False when it changed nothing. */
  order(order: BreakerOrder, by: string): boolean;
}

export interface Breakers {
  /** The breaker of that name, made at first use; one slot in the shared memory of the hot core each. */
  get(name: string): Breaker;
  /** The breaker of that name, if there is one. */
  find(name: string): Breaker | undefined;
  all(): BreakerSnapshot[];
}
