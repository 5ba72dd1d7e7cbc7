// Readings of a slot. None of them changes what a breaker does.

import { BUCKET_CALLS, BUCKET_FAILURES, BUCKET_SLOW, bucketOf, bucketSum, newestBucket } from "./breaker-buckets";
import { at, log, logged } from "./breaker-slot";
import * as S from "./breaker-state";
import { beganAt, elapsed, msOf, openUntil, shrunkStep, ticksOf, timeFits, TIME_STALE } from "./breaker-time";
import { generationOf, windowCalls, windowFailures, windowGeneration, windowSlow } from "./breaker-window";
import { expect, expectValue, FAULT_RANGE, FAULT_STATE, FAULT_TIME } from "./fault";
import * as L from "./layout";

export const WINDOW_CALLS: i32 = 0;
export const WINDOW_FAILURES: i32 = 1;
export const WINDOW_SLOW: i32 = 2;

// @ts-ignore: decorator
@inline
function ready(index: i32): i32 {
  const slot = at(index);
  expect(atomic.load<u64>(slot, L.SLOT_STATE) != 0, FAULT_STATE);
  return slot;
}

/** STATE_*, as it is stored: an open time that is over shows at the next acquire. STATE_NONE for a slot that is not in use. */
export function breakerState(index: i32): i32 {
  return S.stateOf(atomic.load<u64>(at(index), L.SLOT_STATE));
}

/** Number of the latest transition, 0 before the first, counting modulo TRANSITION_MAX + 1. */
export function breakerTransition(index: i32): i32 {
  return S.transitionOf(atomic.load<u64>(ready(index), L.SLOT_STATE));
}

/**
 * One of the last 64 transitions: cause + 32 × from + 256 × to + 2048 × its time in whole ms; -1 when it is older or has not
 * happened. A transition whose winner has not written its time yet is given `nowMs`.
 */
export function breakerTransitionAt(index: i32, number: i32, nowMs: f64): f64 {
  const slot = ready(index);
  expectValue(timeFits(nowMs), FAULT_TIME, nowMs);
  expect(number >= 0 && number <= S.TRANSITION_MAX, FAULT_RANGE);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  if (i32((S.transitionOf(state) - u32(number)) & S.TRANSITION_MAX) >= L.SLOT_LOG_ENTRIES) return -1;
  log(slot, state, ticksOf(nowMs));
  return logged(slot, number);
}

/** Milliseconds until the next probe while open; 0 otherwise. */
export function breakerRetryMs(index: i32, nowMs: f64): f64 {
  const slot = ready(index);
  expectValue(timeFits(nowMs), FAULT_TIME, nowMs);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  if (S.stateOf(state) != S.STATE_OPEN) return 0;
  const now = ticksOf(nowMs);
  const until = openUntil(slot, state, now);
  if (until == TIME_STALE || until <= now) return 0;
  const most = load<f64>(slot, L.SLOT_OPEN_MAX_TICKS) / 64;
  const left = msOf(until - now);
  return left < most ? left : most;
}

/** How often the open time has grown: that of the present opening, or of the next one while closed. */
export function breakerStep(index: i32, nowMs: f64): i32 {
  const slot = ready(index);
  expectValue(timeFits(nowMs), FAULT_TIME, nowMs);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  if (S.stateOf(state) != S.STATE_CLOSED) return S.stepOf(state);
  const now = ticksOf(nowMs);
  const began = beganAt(slot, state, now);
  return began == TIME_STALE ? S.stepOf(state) : shrunkStep(slot, S.stepOf(state), elapsed(began, now));
}

/** WINDOW_CALLS, _FAILURES or _SLOW of the window; while no window runs, of the last one as it stood at its newest outcome. */
export function breakerWindow(index: i32, part: i32, nowMs: f64): i32 {
  const slot = ready(index);
  expectValue(timeFits(nowMs), FAULT_TIME, nowMs);
  expect(part >= WINDOW_CALLS && part <= WINDOW_SLOW, FAULT_RANGE);
  const window = atomic.load<u64>(slot, L.SLOT_WINDOW);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  const kind = S.stateOf(state);
  const runs = kind == S.STATE_CLOSED || kind == S.STATE_METRICS_ONLY;
  if (load<u32>(slot, L.SLOT_BUCKETS)) {
    const now = ticksOf(nowMs);
    const generation = runs ? generationOf(S.transitionOf(state)) : windowGeneration(window);
    const bucket = runs ? bucketOf(slot, now) : newestBucket(slot, generation, now);
    return bucketSum(slot, generation, bucket, part == WINDOW_CALLS ? BUCKET_CALLS : part == WINDOW_FAILURES ? BUCKET_FAILURES : BUCKET_SLOW);
  }
  if (runs && windowGeneration(window) != generationOf(S.transitionOf(state))) return 0;
  if (part == WINDOW_CALLS) return windowCalls(slot, window);
  return part == WINDOW_FAILURES ? windowFailures(window) : windowSlow(window);
}

/** A counter since the breaker was made, COUNTER_*; exact to 2^53. */
export function breakerCounter(index: i32, counter: i32): f64 {
  expect(counter >= 0 && counter <= L.COUNTER_OPENINGS, FAULT_RANGE);
  return f64(i64(atomic.load<u64>(ready(index) + (counter << 3), L.SLOT_COUNTERS)));
}
