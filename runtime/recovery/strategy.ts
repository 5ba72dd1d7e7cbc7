import type { ErrorClass } from '../contracts/incident.js';
import type { RecoveryStrategy } from '../contracts/recovery.js';

/** What is tried against each class, in this order; whoever has been through it is left to a person. */
const plans: Record<ErrorClass, readonly RecoveryStrategy[]> = {
  transient: [
    'immediate_retry',
    'exponential_backoff',
    'exponential_backoff',
    'exponential_backoff',
    'restart',
  ],
  permanent: ['restart'],
  overload: ['graceful_degradation', 'exponential_backoff', 'exponential_backoff', 'restart'],
  // What is wrong with the data does not get right by trying again.
  integrity: [],
  caller: [],
};

/** The strategies against a class that there is a fixup for, and at the end a person. */
export function planFor(kind: ErrorClass, possible: ReadonlySet<RecoveryStrategy>): RecoveryStrategy[] {
  return [...plans[kind].filter((strategy) => possible.has(strategy)), 'manual_intervention'];
}

export interface Backoff {
  baseMs: number;
  capMs: number;
}

/**
 * Wait before attempt n, from 0: none at first, then full jitter, a random time up to a bound that doubles.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function waitMs(attempt: number, { baseMs, capMs }: Backoff, random: () => number): number {
  if (attempt === 0) return 0;
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
}
