import { z } from 'zod';
import { count, milliseconds, ratio, section } from './parts.js';

export const core = section({
  offload: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe(
      'Where a batch of decisions is scored: in the HTTP thread below the crossover measured at start and in the pool above it, always in the pool, or never.',
    ),
  threads: count(1, 1, 64).describe(
    'Threads of the pool. Each holds one WASM instance, about 8 MB resident.',
  ),
});

export const breaker = section({
  window: z
    .enum(['calls', 'time'])
    .default('calls')
    .describe('What the sliding window holds: the last window_calls calls, or those of the last window_ms.'),
  window_calls: count(20, 2, 1024).describe('Calls in the sliding window, with window = "calls".'),
  window_ms: milliseconds(60_000, 100).describe('Length of the sliding window, with window = "time".'),
  window_buckets: count(10, 1, 60).describe(
    'Equal parts in which a window by time moves on: with 10, a call counts for nine to ten tenths of window_ms.',
  ),
  calls_min: count(5, 1, 1024).describe('Calls that must be in the window before the breaker may open.'),
  failure_rate: ratio(0.5).describe('Share of failed calls, 0 to 1, from which it opens.'),
  slow_call_ms: milliseconds(0, 0).describe(
    'A call without a first piece of the answer by then is slow; 0: none is. A cold model load on a Pi 4 takes tens of seconds.',
  ),
  slow_call_rate: ratio(0.8).describe('Share of slow calls, 0 to 1, from which it opens.'),
  open_ms: milliseconds(10_000, 100).describe(
    'How long it stays open at first before it lets a probe through.',
  ),
  open_ms_max: milliseconds(300_000, 100).describe('Longest time that it stays open; open_ms or more.'),
  open_growth: z
    .number()
    .min(1)
    .max(10)
    .default(2)
    .describe(
      'Factor by which the open time grows from opening to opening. Each time that it then stays closed for as long as it was open takes one growth back.',
    ),
  open_jitter: ratio(0.1).describe(
    'Share of the open time, 0 to 1, that chance may take off, so that probes of several appliances do not meet.',
  ),
  half_open_permits: count(1, 1, 64).describe('Probes that are out at once while half-open.'),
  half_open_successes: count(1, 1, 1000).describe('Successful probes after which it closes.'),
  half_open_ms: milliseconds(60_000, 100).describe(
    'When probes have been out for so long, without a moment in which none was, they count as failed.',
  ),
  tally_ms: milliseconds(60_000, 1000).describe(
    'Calls of each engine are recorded as counts (circuit_success, circuit_failure, call_blocked) this often, when there were any.',
  ),
});
