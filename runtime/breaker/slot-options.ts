import type { BreakerOptions } from '../../core-wasm/index.js';
import type { Config } from '../config/schema.js';

/** The section `[breaker]` as the hot core takes it. */
export function slotOptions(config: Config['breaker'], seed: number): BreakerOptions {
  return {
    window:
      config.window === 'calls'
        ? { calls: config.window_calls }
        : { ms: config.window_ms, buckets: config.window_buckets },
    callsMin: config.calls_min,
    failureRate: config.failure_rate,
    slow: config.slow_call_ms === 0 ? undefined : { ms: config.slow_call_ms, rate: config.slow_call_rate },
    openMs: config.open_ms,
    openMsMax: config.open_ms_max,
    openGrowth: config.open_growth,
    openJitter: config.open_jitter,
    seed,
    halfOpenPermits: config.half_open_permits,
    halfOpenSuccesses: config.half_open_successes,
    halfOpenMs: config.half_open_ms,
  };
}
