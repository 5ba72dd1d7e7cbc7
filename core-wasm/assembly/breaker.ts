// The circuit breaker over one slot. Every call takes the time; nothing here reads a clock, throws or allocates.

import { BUCKET_LATE, bucketPush, bucketPushSteady, bucketVerdict } from "./breaker-buckets";
import { at, count, log, move, refuse } from "./breaker-slot";
import * as S from "./breaker-state";
import { beganAt, elapsed, openUntil, shrunkStep, ticksOf, timeFits, TIME_STALE } from "./breaker-time";
import { verdict } from "./breaker-verdict";
import { generationOf, WINDOW_LATE, windowCalls, windowFailures, windowPush, windowPushSteady, windowSlow } from "./breaker-window";
import { expect, expectValue, FAULT_CONTENTION, FAULT_DURATION, FAULT_PERMIT, FAULT_RANGE, FAULT_STATE, FAULT_TIME } from "./fault";
import * as L from "./layout";

export const OUTCOME_SUCCESS: i32 = 0;
export const OUTCOME_FAILURE: i32 = 1;
export const OUTCOME_IGNORED: i32 = 2;

export const RECORD_WAS_LATE: i32 = 0;
export const RECORD_COUNTED: i32 = 1;
/** Counted, and this very call made a transition. */
export const RECORD_MOVED: i32 = 2;

const TRIES_MAX: i32 = 10000000;

/** A permit (0 or more), or minus the milliseconds (at least 1) after which it is worth asking again. */
export function breakerAcquire(index: i32, nowMs: f64): f64 {
  const slot = at(index);
  expectValue(timeFits(nowMs), FAULT_TIME, nowMs);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  if (S.stateOf(state) == S.STATE_CLOSED) return f64(i32(S.permitOf(state)));
  return acquireElse(slot, ticksOf(nowMs));
}

function acquireElse(slot: i32, now: u64): f64 {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const state = atomic.load<u64>(slot, L.SLOT_STATE);
    const kind = S.stateOf(state);
    if (kind == S.STATE_OPEN) {
      const until = openUntil(slot, state, now);
      if (until == TIME_STALE) continue;
      if (now < until) return refuse(slot, f64(i64(until - now)), load<f64>(slot, L.SLOT_OPEN_MAX_TICKS));
      const next = S.transitioned(state, S.STATE_HALF_OPEN, S.CAUSE_OPEN_TIME_OVER, S.stepOf(state), 1);
      if (move(slot, state, next, now)) return f64(i32(S.permitOf(next)));
    } else if (kind == S.STATE_HALF_OPEN) {
      const permit = acquireProbe(slot, state, now);
      if (permit != PROBE_AGAIN) return permit;
    } else if (kind == S.STATE_FORCED_OPEN) {
      const ticks = load<f64>(slot, L.SLOT_OPEN_TICKS);
      return refuse(slot, ticks, ticks);
    } else {
      expect(kind != S.STATE_NONE, FAULT_STATE);
      return f64(i32(S.permitOf(state)));
    }
  }
  expect(false, FAULT_CONTENTION);
  return -1;
}

/** The state has moved on; no permit and no refusal, which are 0 or more, and -1 or less. */
const PROBE_AGAIN: f64 = -0.5;

function acquireProbe(slot: i32, state: u64, now: u64): f64 {
  const began = beganAt(slot, state, now);
  if (began == TIME_STALE) return PROBE_AGAIN;
  const passed = elapsed(began, now);
  const probes = S.probesOf(state);
  const halfOpenTicks = load<u64>(slot, L.SLOT_HALF_OPEN_TICKS);
  if (probes == 0) {
    // No probe is out, so none can be lost: a new round, with its own time. The log takes the transition's time before that.
    log(slot, state, now);
    const next = S.nextRound(state);
    if (atomic.cmpxchg<u64>(slot, state, next, L.SLOT_STATE) != state) return PROBE_AGAIN;
    beganAt(slot, next, now);
    return f64(i32(S.permitOf(next)));
  }
  if (passed >= halfOpenTicks) {
    move(slot, state, reopened(state, S.CAUSE_PROBE_LOST), now);
    return PROBE_AGAIN;
  }
  if (probes < load<u32>(slot, L.SLOT_PERMITS)) {
    const next = S.withProbes(state, probes + 1, S.successesOf(state));
    return atomic.cmpxchg<u64>(slot, state, next, L.SLOT_STATE) == state ? f64(i32(S.permitOf(state))) : PROBE_AGAIN;
  }
  return refuse(slot, f64(i64(halfOpenTicks - passed)), load<f64>(slot, L.SLOT_OPEN_TICKS));
}

/** Open again after half-open, for one step longer. */
function reopened(state: u64, cause: i32): u64 {
  return S.transitioned(state, S.STATE_OPEN, cause, grown(S.stepOf(state)), 0);
}

// @ts-ignore: decorator
@inline
function grown(step: i32): i32 {
  return step < S.STEP_MAX ? step + 1 : S.STEP_MAX;
}

/**
 * Reports how the call behind a permit ended and how long it took: RECORD_WAS_LATE, RECORD_COUNTED or RECORD_MOVED. A success or
 * failure that took the slow time or longer counts as slow too.
 */
export function breakerRecord(index: i32, permit: f64, outcome: i32, durationMs: f64, nowMs: f64): i32 {
  const slot = at(index);
  expectValue(timeFits(nowMs), FAULT_TIME, nowMs);
  // Most reports: a success, not slow, on a closed breaker whose window it does not change but for the position.
  if (outcome == OUTCOME_SUCCESS && durationMs >= 0 && durationMs < load<f64>(slot, L.SLOT_SLOW_MS)) {
    const state = atomic.load<u64>(slot, L.SLOT_STATE);
    if (S.stateOf(state) == S.STATE_CLOSED && f64(i32(S.permitOf(state))) == permit && pushSteady(slot, S.transitionOf(state), nowMs)) {
      count(slot, L.COUNTER_SUCCESSES);
      return RECORD_COUNTED;
    }
  }
  return recordAny(slot, permit, outcome, durationMs, nowMs);
}

// @ts-ignore: decorator
@inline
function pushSteady(slot: i32, transition: u32, nowMs: f64): bool {
  return load<u32>(slot, L.SLOT_BUCKETS) ? bucketPushSteady(slot, transition, ticksOf(nowMs)) : windowPushSteady(slot, transition);
}

function recordAny(slot: i32, permit: f64, outcome: i32, durationMs: f64, nowMs: f64): i32 {
  expectValue(durationMs >= 0, FAULT_DURATION, durationMs);
  expectValue(permit >= 0 && permit <= f64(S.PERMIT_MAX) && f64(i32(permit)) == permit, FAULT_PERMIT, permit);
  expect(outcome >= OUTCOME_SUCCESS && outcome <= OUTCOME_IGNORED, FAULT_RANGE);
  const slow = u32(outcome != OUTCOME_IGNORED && durationMs >= load<f64>(slot, L.SLOT_SLOW_MS));
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  let result = RECORD_WAS_LATE;
  if (S.permitOf(state) == u32(i32(permit))) {
    const kind = S.stateOf(state);
    if (kind == S.STATE_CLOSED || kind == S.STATE_METRICS_ONLY) {
      result = outcome == OUTCOME_IGNORED ? RECORD_COUNTED : recordWindow(slot, state, u32(outcome) | (slow << 1), nowMs);
    } else if (kind == S.STATE_HALF_OPEN) {
      result = recordProbe(slot, u32(i32(permit)), outcome, slow, ticksOf(nowMs));
    } else if (kind == S.STATE_DISABLED) result = RECORD_COUNTED;
    expect(kind != S.STATE_NONE, FAULT_STATE);
  }
  if (result == RECORD_WAS_LATE) count(slot, L.COUNTER_LATE);
  else count(slot, slow && outcome == OUTCOME_SUCCESS ? L.COUNTER_SLOW : outcome);
  return result;
}

/**
 * Adds an outcome (bit 0: failed, bit 1: slow) to the window. One that failed or was slow opens a closed breaker whose window has too
 * many of them; one that did neither never opens it, so it need not look.
 */
// @ts-ignore: decorator
@inline
function recordWindow(slot: i32, state: u64, outcome: u32, nowMs: f64): i32 {
  const transition = S.transitionOf(state);
  let cause = 0;
  if (load<u32>(slot, L.SLOT_BUCKETS)) {
    const bucket = bucketPush(slot, transition, outcome, ticksOf(nowMs));
    if (bucket == BUCKET_LATE) return RECORD_WAS_LATE;
    if (outcome) cause = bucketVerdict(slot, generationOf(transition), bucket);
  } else {
    const window = windowPush(slot, transition, outcome);
    if (window == WINDOW_LATE) return RECORD_WAS_LATE;
    if (outcome) cause = verdict(slot, windowCalls(slot, window), windowFailures(window), windowSlow(window));
  }
  if (cause == 0 || S.stateOf(state) != S.STATE_CLOSED) return RECORD_COUNTED;
  return open(slot, state, cause, ticksOf(nowMs));
}

function open(slot: i32, state: u64, cause: i32, now: u64): i32 {
  const began = beganAt(slot, state, now);
  if (began == TIME_STALE) return RECORD_COUNTED;
  const step = shrunkStep(slot, S.stepOf(state), elapsed(began, now));
  return move(slot, state, S.transitioned(state, S.STATE_OPEN, cause, step, 0), now) ? RECORD_MOVED : RECORD_COUNTED;
}

function recordProbe(slot: i32, permit: u32, outcome: i32, slow: u32, now: u64): i32 {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const state = atomic.load<u64>(slot, L.SLOT_STATE);
    const probes = S.probesOf(state);
    // No probe out under this permit: it was recorded before.
    if (S.permitOf(state) != permit || probes == 0) return RECORD_WAS_LATE;
    const began = beganAt(slot, state, now);
    if (began == TIME_STALE) continue;
    if (elapsed(began, now) >= load<u64>(slot, L.SLOT_HALF_OPEN_TICKS)) {
      // Its time is over, so it counts as lost whatever it says.
      if (move(slot, state, reopened(state, S.CAUSE_PROBE_LOST), now)) return RECORD_WAS_LATE;
    } else if (outcome == OUTCOME_FAILURE) {
      if (move(slot, state, reopened(state, S.CAUSE_PROBE_FAILED), now)) return RECORD_MOVED;
    } else if (slow) {
      if (move(slot, state, reopened(state, S.CAUSE_PROBE_SLOW), now)) return RECORD_MOVED;
    } else {
      const successes = S.successesOf(state) + u32(outcome == OUTCOME_SUCCESS);
      if (successes >= load<u32>(slot, L.SLOT_SUCCESSES)) {
        const next = S.transitioned(state, S.STATE_CLOSED, S.CAUSE_PROBES_SUCCEEDED, grown(S.stepOf(state)), 0);
        if (move(slot, state, next, now)) return RECORD_MOVED;
      } else if (atomic.cmpxchg<u64>(slot, state, S.withProbes(state, probes - 1, successes), L.SLOT_STATE) == state) {
        return RECORD_COUNTED;
      }
    }
  }
  expect(false, FAULT_CONTENTION);
  return RECORD_WAS_LATE;
}

/**
 * Sets STATE_FORCED_OPEN, STATE_DISABLED or STATE_METRICS_ONLY, or with STATE_CLOSED resets: closed, an empty window, the open time
 * not grown. Returns 1 when this call made a transition, 0 when it was in that state already; a reset always makes one.
 */
export function breakerForce(index: i32, to: i32, nowMs: f64): i32 {
  const slot = at(index);
  expectValue(timeFits(nowMs), FAULT_TIME, nowMs);
  expect(to == S.STATE_CLOSED || (to >= S.STATE_FORCED_OPEN && to <= S.STATE_METRICS_ONLY), FAULT_RANGE);
  const cause = to == S.STATE_CLOSED ? S.CAUSE_RESET : S.CAUSE_FORCED;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const state = atomic.load<u64>(slot, L.SLOT_STATE);
    expect(S.stateOf(state) != S.STATE_NONE, FAULT_STATE);
    if (S.stateOf(state) == to && to != S.STATE_CLOSED) return 0;
    if (move(slot, state, S.transitioned(state, to, cause, 0, 0), ticksOf(nowMs))) return 1;
  }
  expect(false, FAULT_CONTENTION);
  return 0;
}
