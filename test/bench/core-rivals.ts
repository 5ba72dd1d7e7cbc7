import {
  type CircuitBreakerPolicy,
  CountBreaker,
  circuitBreaker,
  handleAll,
  SamplingBreaker,
} from 'cockatiel';
import Opossum from 'opossum';
import type { BreakerOptions } from '../../core-wasm/index.js';

const hourMs = 3_600_000;

/** Ours: the last 100 calls. */
export const byCount: BreakerOptions = {
  window: { calls: 100 },
  callsMin: 10,
  failureRate: 0.5,
  slow: { ms: 2000, rate: 0.8 },
  openMs: hourMs,
  halfOpenPermits: 1,
  halfOpenMs: 60_000,
};

/** Ours: the last 10 s, as opossum's. */
export const byTime: BreakerOptions = { ...byCount, window: { ms: 10_000, buckets: 10 } };

export const cockatielByCount = (): CircuitBreakerPolicy =>
  circuitBreaker(handleAll, {
    halfOpenAfter: hourMs,
    breaker: new CountBreaker({ threshold: 0.5, size: 100, minimumNumberOfCalls: 10 }),
  });

export const cockatielByTime = (): CircuitBreakerPolicy =>
  circuitBreaker(handleAll, {
    halfOpenAfter: hourMs,
    breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000 }),
  });

/** With its timer (10 s, as it comes) for each call, or without. */
export const opossum = <T>(call: () => Promise<T>, timer: boolean): Opossum<[], T> =>
  new Opossum(call, { resetTimeout: hourMs, volumeThreshold: 10, ...(timer ? {} : { timeout: false }) });
