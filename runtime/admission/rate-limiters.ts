import type { Core, RateLimiter } from '../../core-wasm/index.js';
import type { Config } from '../config/schema.js';
import type { RateStatus } from '../contracts/admission.js';

/** The limiters of requests and of prompts, in the hot core; each core has them once. */
export function takeRateLimiters(
  core: Core,
  limits: Config['limits'],
): { requests: RateLimiter; prompts: RateLimiter } {
  return {
    requests: core.limiters.take({
      tokens: limits.requests_per_second,
      intervalMs: 1000,
      burst: limits.requests_burst,
    }),
    prompts: core.limiters.take({
      tokens: limits.prompts_per_minute,
      intervalMs: 60_000,
      burst: limits.prompts_burst,
    }),
  };
}

export function rateStatus(limiter: RateLimiter): RateStatus {
  const { refused, evicted, evictedInDebt } = limiter.counters();
  return { refused, evicted, evicted_in_debt: evictedInDebt };
}
