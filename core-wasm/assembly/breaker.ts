// The circuit breaker over one slot. Every call takes the time; nothing here reads a clock, throws or allocates.

import * as S from "./breaker-state";
import { beganAt, elapsed, ticksOf, TICKS_PER_MS, TIME_MAX_MS, TIME_STALE } from "./breaker-time";
import { WINDOW_LATE, windowCalls, windowFailures, windowGeneration, windowPush } from "./breaker-window";
import { expect, FAULT_CONTENTION, FAULT_RANGE, FAULT_STATE } from "./fault";
import * as L from "./layout";

export const OUTCOME_SUCCESS: i32 = 0;
export const OUTCOME_FAILURE: i32 = 1;
export const OUTCOME_IGNORED: i32 = 2;

export const RECORD_WAS_LATE: i32 = 0;
export const RECORD_COUNTED: i32 = 1;
/** Counted, and this very call made a transition. */
export const RECORD_MOVED: i32 = 2;

const TRIES_MAX: i32 = 10000000;

// @ts-ignore: decorator
@inline
function at(index: i32): i32 {
  expect(index >= 0 && index < L.SLOT_COUNT, FAULT_RANGE);
  return L.SLOTS + index * L.SLOT_BYTES;
}

// @ts-ignore: decorator
@inline
function ready(index: i32): i32 {
  const slot = at(index);
  expect(atomic.load<i32>(slot, L.SLOT_READY) == 1, FAULT_STATE);
  return slot;
}

// @ts-ignore: decorator
@inline
function count(slot: i32, counter: i32): void {
  atomic.add<u64>(slot + (counter << 3), 1, L.SLOT_COUNTERS);
}

// @ts-ignore: decorator
@inline
function timeFits(nowMs: f64): bool {
  return nowMs >= 0 && nowMs < TIME_MAX_MS;
}

/** Takes the next free slot for a new breaker: its index, or -1 when all are taken. Never given back. */
export function breakerTake(): i32 {
  while (true) {
    const taken = atomic.load<i32>(L.HEADER_SLOTS_TAKEN);
    if (taken >= L.SLOT_COUNT) return -1;
    if (atomic.cmpxchg<i32>(L.HEADER_SLOTS_TAKEN, taken, taken + 1) == taken) return taken;
  }
}

/** Sets the options of a slot just taken, once, before any other call. */
export function breakerConfigure(
  index: i32,
  calls: i32,
  callsMin: i32,
  failureRate: f64,
  openMs: f64,
  permits: i32,
  halfOpenMs: f64,
): void {
  const slot = at(index);
  expect(atomic.load<i32>(slot, L.SLOT_READY) == 0, FAULT_STATE);
  expect(calls >= 1 && calls <= L.WINDOW_CALLS_MAX && callsMin >= 1 && callsMin <= calls, FAULT_RANGE);
  expect(failureRate >= 0 && failureRate <= 1 && permits >= 1 && permits <= L.PERMITS_MAX, FAULT_RANGE);
  expect(timeFits(openMs) && timeFits(halfOpenMs), FAULT_RANGE);
  store<i32>(slot, calls, L.SLOT_WINDOW_CALLS);
  store<i32>(slot, callsMin, L.SLOT_CALLS_MIN);
  store<i32>(slot, permits, L.SLOT_PERMITS);
  store<f64>(slot, failureRate, L.SLOT_FAILURE_RATE);
  store<u64>(slot, ticksOf(openMs), L.SLOT_OPEN_TICKS);
  store<u64>(slot, ticksOf(halfOpenMs), L.SLOT_HALF_OPEN_TICKS);
  atomic.store<i32>(slot, 1, L.SLOT_READY);
}

/** A permit (0 or more), or minus the milliseconds (at least 1) after which it is worth asking again. */
export function breakerAcquire(index: i32, nowMs: f64): f64 {
  const slot = ready(index);
  expect(timeFits(nowMs), FAULT_RANGE);
  const now = ticksOf(nowMs);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const state = atomic.load<u64>(slot, L.SLOT_STATE);
    const kind = S.stateOf(state);
    if (kind == S.STATE_CLOSED) return f64(S.generationOf(state));

    const began = beganAt(slot, state, now);
    if (began == TIME_STALE) continue;
    const passed = elapsed(began, now);
    if (kind == S.STATE_OPEN) {
      const openTicks = load<u64>(slot, L.SLOT_OPEN_TICKS);
      if (passed < openTicks) return refuse(slot, openTicks - passed);
      const next = S.transitioned(state, S.STATE_HALF_OPEN, S.CAUSE_OPEN_TIME_OVER, 1);
      if (move(slot, state, next, now)) return f64(S.generationOf(next));
      continue;
    }

    expect(kind == S.STATE_HALF_OPEN, FAULT_STATE);
    const probes = S.probesOf(state);
    const halfOpenTicks = load<u64>(slot, L.SLOT_HALF_OPEN_TICKS);
    if (probes == 0) {
      // No probe is out, so none can be lost: a new round, with its own time.
      const next = S.nextRound(state);
      if (atomic.cmpxchg<u64>(slot, state, next, L.SLOT_STATE) == state) {
        beganAt(slot, next, now);
        return f64(S.generationOf(next));
      }
    } else if (passed >= halfOpenTicks) {
      move(slot, state, S.transitioned(state, S.STATE_OPEN, S.CAUSE_PROBE_LOST, 0), now);
    } else if (probes + S.successesOf(state) < load<u32>(slot, L.SLOT_PERMITS)) {
      const next = S.withProbes(state, probes + 1, S.successesOf(state));
      if (atomic.cmpxchg<u64>(slot, state, next, L.SLOT_STATE) == state) return f64(S.generationOf(state));
    } else {
      const openTicks = load<u64>(slot, L.SLOT_OPEN_TICKS);
      const left = halfOpenTicks - passed;
      return refuse(slot, left < openTicks ? left : openTicks);
    }
  }
  expect(false, FAULT_CONTENTION);
  return -1;
}

/** Reports how the call behind a permit ended: RECORD_WAS_LATE, RECORD_COUNTED or RECORD_MOVED. */
export function breakerRecord(index: i32, permit: i32, outcome: i32, nowMs: f64): i32 {
  const slot = ready(index);
  expect(timeFits(nowMs) && permit >= 0 && permit <= S.PERMIT_MAX, FAULT_RANGE);
  expect(outcome >= OUTCOME_SUCCESS && outcome <= OUTCOME_IGNORED, FAULT_RANGE);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  let result = RECORD_WAS_LATE;
  if (S.generationOf(state) == u32(permit)) {
    if (S.stateOf(state) == S.STATE_CLOSED) result = recordClosed(slot, state, outcome, ticksOf(nowMs));
    else if (S.stateOf(state) == S.STATE_HALF_OPEN) result = recordProbe(slot, u32(permit), outcome, ticksOf(nowMs));
  }
  count(slot, result == RECORD_WAS_LATE ? L.COUNTER_LATE : outcome);
  return result;
}

function recordClosed(slot: i32, state: u64, outcome: i32, now: u64): i32 {
  if (outcome == OUTCOME_IGNORED) return RECORD_COUNTED;
  const window = windowPush(slot, S.generationOf(state), u32(outcome == OUTCOME_FAILURE));
  if (window == WINDOW_LATE) return RECORD_WAS_LATE;
  const calls = windowCalls(window, load<u32>(slot, L.SLOT_WINDOW_CALLS));
  const failures = windowFailures(window);
  if (calls < load<u32>(slot, L.SLOT_CALLS_MIN) || failures == 0) return RECORD_COUNTED;
  if (f64(failures) < load<f64>(slot, L.SLOT_FAILURE_RATE) * f64(calls)) return RECORD_COUNTED;
  const next = S.transitioned(state, S.STATE_OPEN, S.CAUSE_FAILURE_RATE, 0);
  return move(slot, state, next, now) ? RECORD_MOVED : RECORD_COUNTED;
}

function recordProbe(slot: i32, permit: u32, outcome: i32, now: u64): i32 {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const state = atomic.load<u64>(slot, L.SLOT_STATE);
    const probes = S.probesOf(state);
    // No probe out under this generation: the permit was recorded before.
    if (S.generationOf(state) != permit || probes == 0) return RECORD_WAS_LATE;
    const began = beganAt(slot, state, now);
    if (began == TIME_STALE) continue;
    if (elapsed(began, now) >= load<u64>(slot, L.SLOT_HALF_OPEN_TICKS)) {
      // Its time is over, so it counts as lost whatever it says.
      if (move(slot, state, S.transitioned(state, S.STATE_OPEN, S.CAUSE_PROBE_LOST, 0), now)) return RECORD_WAS_LATE;
    } else if (outcome == OUTCOME_FAILURE) {
      if (move(slot, state, S.transitioned(state, S.STATE_OPEN, S.CAUSE_PROBE_FAILED, 0), now)) return RECORD_MOVED;
    } else {
      const successes = S.successesOf(state) + u32(outcome == OUTCOME_SUCCESS);
      if (successes >= load<u32>(slot, L.SLOT_PERMITS)) {
        if (move(slot, state, S.transitioned(state, S.STATE_CLOSED, S.CAUSE_PROBES_SUCCEEDED, 0), now)) return RECORD_MOVED;
      } else if (atomic.cmpxchg<u64>(slot, state, S.withProbes(state, probes - 1, successes), L.SLOT_STATE) == state) {
        return RECORD_COUNTED;
      }
    }
  }
  expect(false, FAULT_CONTENTION);
  return RECORD_WAS_LATE;
}

function refuse(slot: i32, ticks: u64): f64 {
  count(slot, L.COUNTER_REFUSED);
  const ms = f64(ticks) / TICKS_PER_MS;
  return ms > 1 ? -ms : -1;
}

/** Makes a transition if the state is still `state`; true for the one winner. */
function move(slot: i32, state: u64, next: u64, now: u64): bool {
  logTransition(slot, state);
  if (atomic.cmpxchg<u64>(slot, state, next, L.SLOT_STATE) != state) return false;
  if (S.stateOf(next) == S.STATE_OPEN) count(slot, L.COUNTER_OPENINGS);
  if (S.stateOf(next) != S.STATE_CLOSED) beganAt(slot, next, now);
  logTransition(slot, next);
  return true;
}

// The log of transitions: a ring of u32, entry n at n mod 64. The transition that made a state is in the log before that
// state is left, whichever thread does it; so the log has no holes, whoever stops where.
function logTransition(slot: i32, state: u64): void {
  const number = S.transitionOf(state);
  const entry = slot + ((number & (L.SLOT_LOG_ENTRIES - 1)) << 2);
  const logged = S.logEntryOf(state);
  while (true) {
    const seen = atomic.load<u32>(entry, L.SLOT_LOG);
    if (seen == logged) return;
    if (S.transitionOf(atomic.load<u64>(slot, L.SLOT_STATE)) != number) return;
    if (atomic.cmpxchg<u32>(entry, seen, logged, L.SLOT_LOG) == seen) return;
  }
}

/** Number of the latest transition, 0 before the first, counting modulo TRANSITION_MAX + 1. */
export function breakerTransition(index: i32): i32 {
  return S.transitionOf(atomic.load<u64>(ready(index), L.SLOT_STATE));
}

/** Transition `number` as to + 4 × from + 16 × cause, or -1 when a newer one has taken its place or it has not happened. */
export function breakerTransitionAt(index: i32, number: i32): i32 {
  const slot = ready(index);
  expect(number >= 0 && number <= S.TRANSITION_MAX, FAULT_RANGE);
  logTransition(slot, atomic.load<u64>(slot, L.SLOT_STATE));
  const entry = atomic.load<u32>(slot + ((number & (L.SLOT_LOG_ENTRIES - 1)) << 2), L.SLOT_LOG);
  if (entry >> 8 != u32(number)) return -1;
  return ((entry >> 6) & 3) | (((entry >> 4) & 3) << 2) | ((entry & 15) << 4);
}

/** STATE_CLOSED, STATE_OPEN or STATE_HALF_OPEN, as it is stored: an open time that is over shows at the next acquire. */
export function breakerState(index: i32): i32 {
  return S.stateOf(atomic.load<u64>(ready(index), L.SLOT_STATE));
}

/** Milliseconds until the next probe while open; 0 otherwise. */
export function breakerRetryMs(index: i32, nowMs: f64): f64 {
  const slot = ready(index);
  expect(timeFits(nowMs), FAULT_RANGE);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  if (S.stateOf(state) != S.STATE_OPEN) return 0;
  const now = ticksOf(nowMs);
  const began = beganAt(slot, state, now);
  const passed = elapsed(began == TIME_STALE ? now : began, now);
  const openTicks = load<u64>(slot, L.SLOT_OPEN_TICKS);
  return passed < openTicks ? f64(openTicks - passed) / TICKS_PER_MS : 0;
}

/** The word of the window that counts: while not closed, that of the closed time before it. 0 when it is empty. */
function windowShown(slot: i32): u64 {
  const window = atomic.load<u64>(slot, L.SLOT_WINDOW);
  const state = atomic.load<u64>(slot, L.SLOT_STATE);
  return S.stateOf(state) == S.STATE_CLOSED && windowGeneration(window) != S.generationOf(state) ? 0 : window;
}

/** Calls in the window; while open or half-open, in the window that opened it. */
export function breakerCalls(index: i32): i32 {
  const slot = ready(index);
  return windowCalls(windowShown(slot), load<u32>(slot, L.SLOT_WINDOW_CALLS));
}

/** Failures among `breakerCalls`. */
export function breakerFailures(index: i32): i32 {
  return windowFailures(windowShown(ready(index)));
}

/** A counter since the breaker was made, COUNTER_*; exact to 2^53. */
export function breakerCounter(index: i32, counter: i32): f64 {
  expect(counter >= 0 && counter <= L.COUNTER_OPENINGS, FAULT_RANGE);
  return f64(atomic.load<u64>(ready(index) + (counter << 3), L.SLOT_COUNTERS));
}
