// What the calls and the readings of a slot share: where it is, its counters, its transitions and their log.

import * as S from "./breaker-state";
import { beganAt, TICKS_PER_MS, TIME_STALE } from "./breaker-time";
import { expect, FAULT_RANGE } from "./fault";
import * as L from "./layout";

// @ts-ignore: decorator
@inline
export function at(index: i32): i32 {
  expect(u32(index) < u32(L.SLOT_COUNT), FAULT_RANGE);
  return L.SLOTS + index * L.SLOT_BYTES;
}

// @ts-ignore: decorator
@inline
export function count(slot: i32, counter: i32): void {
  atomic.add<u64>(slot + (counter << 3), 1, L.SLOT_COUNTERS);
}

/** Counts a refusal. Returns minus the milliseconds to wait: at least 1, at most `most`. */
// @ts-ignore: decorator
@inline
export function refuse(slot: i32, ticks: f64, most: f64): f64 {
  count(slot, L.COUNTER_REFUSED);
  const ms = (ticks < most ? ticks : most) / TICKS_PER_MS;
  return ms > 1 ? -ms : -1;
}

/** Makes a transition if the state is still `state`; true for the one winner. */
export function move(slot: i32, state: u64, next: u64, now: u64): bool {
  log(slot, state, now);
  if (atomic.cmpxchg<u64>(slot, state, next, L.SLOT_STATE) != state) return false;
  if (S.stateOf(next) == S.STATE_OPEN) count(slot, L.COUNTER_OPENINGS);
  beganAt(slot, next, now);
  log(slot, next, now);
  return true;
}

// The log of transitions: a ring of u64, entry n at n mod 64.
//
//   63          49 48     11 10  8 7   5 4    0
//   ├ n / 64 ────┼ time ms ┼ state ┼ from ┼ cause ┤
//
// The transition that made a state is in the log before that state, or its first round of probes, is left, whichever thread does
// it; so the log has no holes, whoever stops where.

const LOG_NUMBER: i32 = 49;
const LOG_NUMBER_MASK: u64 = 0x7fff;

// @ts-ignore: decorator
@inline
function logNumber(number: u32): u64 {
  return u64(number >> 6) & LOG_NUMBER_MASK;
}

/** Puts the transition that made `state` into the log, unless it is there. */
export function log(slot: i32, state: u64, now: u64): void {
  const number = S.transitionOf(state);
  const entry = slot + ((number & (L.SLOT_LOG_ENTRIES - 1)) << 3);
  const facts = S.factsOf(state);
  while (true) {
    const seen = atomic.load<u64>(entry, L.SLOT_LOG);
    if (seen >> LOG_NUMBER == logNumber(number) && (seen & 0x7ff) == facts) return;
    const began = beganAt(slot, state, now);
    if (began == TIME_STALE) return;
    const logged = (logNumber(number) << LOG_NUMBER) | ((began >> 6) << 11) | facts;
    if (atomic.cmpxchg<u64>(entry, seen, logged, L.SLOT_LOG) == seen) return;
  }
}

/** Entry `number` without its number: cause + 32 × from + 256 × state + 2048 × ms, or -1 when it is not there. */
export function logged(slot: i32, number: u32): f64 {
  const entry = atomic.load<u64>(slot + ((number & (L.SLOT_LOG_ENTRIES - 1)) << 3), L.SLOT_LOG);
  if (entry >> LOG_NUMBER != logNumber(number)) return -1;
  return f64(i64(entry & ((u64(1) << LOG_NUMBER) - 1)));
}
