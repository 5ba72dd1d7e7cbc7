// How a slot comes into use: taken, configured, started. No other thread uses it before it is started.

import { BUCKET_CALLS_MAX, bucketStart } from "./breaker-buckets";
import { at } from "./breaker-slot";
import * as S from "./breaker-state";
import { startTimes, ticksOf, timeFits } from "./breaker-time";
import { headBits, windowPush } from "./breaker-window";
import { expect, FAULT_RANGE, FAULT_STATE } from "./fault";
import * as L from "./layout";

/** Takes the next free slot for a new breaker: its index, or -1 when all are taken. Never given back. */
export function breakerTake(): i32 {
  while (true) {
    const taken = atomic.load<i32>(L.HEADER_SLOTS_TAKEN);
    if (taken >= L.SLOT_COUNT) return -1;
    if (atomic.cmpxchg<i32>(L.HEADER_SLOTS_TAKEN, taken, taken + 1) == taken) return taken;
  }
}

/** The window and the rates of a slot just taken. `buckets` 0: the last `calls` calls; else so many buckets of `bucketMs`. */
export function breakerConfigureWindow(
  index: i32,
  calls: i32,
  buckets: i32,
  bucketMs: f64,
  callsMin: i32,
  failureRate: f64,
  slowRate: f64,
  slowMs: f64,
): void {
  const slot = unused(index);
  expect(buckets >= 0 && buckets <= L.BUCKETS_MAX && (buckets == 0 || (timeFits(bucketMs) && bucketMs >= L.BUCKET_MS_MIN)), FAULT_RANGE);
  expect(buckets > 0 || (calls >= 1 && calls <= L.WINDOW_CALLS_MAX), FAULT_RANGE);
  expect(callsMin >= 1 && (buckets > 0 || callsMin <= calls), FAULT_RANGE);
  expect(failureRate >= 0 && failureRate <= 1 && slowRate >= 0 && slowRate <= 1 && slowMs > 0, FAULT_RANGE);
  store<i32>(slot, calls, L.SLOT_WINDOW_CALLS);
  store<i32>(slot, headBits(calls), L.SLOT_HEAD_BITS);
  store<i32>(slot, buckets, L.SLOT_BUCKETS);
  store<f64>(slot, Math.floor(bucketMs * 64), L.SLOT_BUCKET_TICKS);
  store<i32>(slot, callsMin, L.SLOT_CALLS_MIN);
  store<f64>(slot, failureRate, L.SLOT_FAILURE_RATE);
  store<f64>(slot, slowRate, L.SLOT_SLOW_RATE);
  store<f64>(slot, slowMs, L.SLOT_SLOW_MS);
}

/** The open time and the probes of a slot just taken. */
export function breakerConfigureOpen(
  index: i32,
  openMs: f64,
  openMsMax: f64,
  growth: f64,
  jitter: f64,
  seed: i32,
  permits: i32,
  successes: i32,
  halfOpenMs: f64,
): void {
  const slot = unused(index);
  expect(timeFits(openMs) && timeFits(openMsMax) && openMs <= openMsMax && timeFits(halfOpenMs), FAULT_RANGE);
  expect(growth >= 1 && growth <= 1000 && jitter >= 0 && jitter <= 1, FAULT_RANGE);
  expect(permits >= 1 && permits <= L.PERMITS_MAX && successes >= 1 && successes <= L.SUCCESSES_MAX, FAULT_RANGE);
  store<f64>(slot, Math.floor(openMs * 64), L.SLOT_OPEN_TICKS);
  store<f64>(slot, Math.floor(openMsMax * 64), L.SLOT_OPEN_MAX_TICKS);
  store<f64>(slot, growth, L.SLOT_OPEN_GROWTH);
  store<f64>(slot, jitter, L.SLOT_JITTER);
  store<i32>(slot, seed, L.SLOT_SEED);
  store<i32>(slot, permits, L.SLOT_PERMITS);
  store<i32>(slot, successes, L.SLOT_SUCCESSES);
  store<u64>(slot, ticksOf(halfOpenMs), L.SLOT_HALF_OPEN_TICKS);
}

/**
 * Puts a configured slot into use, in any state but half-open. `step` is that of the open time, or of the next one while closed.
 * The outcomes of a window by calls are spread evenly over it; those of a window by time stand in its oldest bucket.
 */
export function breakerStart(
  index: i32,
  state: i32,
  step: i32,
  openMs: f64,
  calls: i32,
  failures: i32,
  slow: i32,
  nowMs: f64,
): void {
  const slot = unused(index);
  expect(state >= S.STATE_CLOSED && state <= S.STATE_METRICS_ONLY && state != S.STATE_HALF_OPEN, FAULT_RANGE);
  expect(step >= 0 && step <= S.STEP_MAX && timeFits(nowMs) && timeFits(openMs), FAULT_RANGE);
  expect(f64(i64(ticksOf(openMs))) <= load<f64>(slot, L.SLOT_OPEN_MAX_TICKS), FAULT_RANGE);
  expect(failures >= 0 && failures <= calls && slow >= 0 && slow <= calls, FAULT_RANGE);
  const now = ticksOf(nowMs);
  startTimes(slot, now, now + ticksOf(openMs));
  if (load<u32>(slot, L.SLOT_BUCKETS)) {
    expect(u32(calls) <= BUCKET_CALLS_MAX, FAULT_RANGE);
    bucketStart(slot, now, calls, failures, slow);
  } else {
    expect(calls <= load<i32>(slot, L.SLOT_WINDOW_CALLS), FAULT_RANGE);
    for (let i = 0; i < calls; i++) windowPush(slot, 0, spread(i, failures, calls) | (spread(i, slow, calls) << 1));
  }
  atomic.store<u64>(slot, (u64(state) << 30) | (u64(step) << 17), L.SLOT_STATE);
}

/** 1 for `some` of `all` positions, evenly spread. */
function spread(i: i32, some: i32, all: i32): u32 {
  return u32(((i + 1) * some) / all - (i * some) / all);
}

function unused(index: i32): i32 {
  const slot = at(index);
  expect(atomic.load<u64>(slot, L.SLOT_STATE) == 0, FAULT_STATE);
  return slot;
}
