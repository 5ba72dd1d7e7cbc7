// When the present permits began and until when a breaker is open, in ticks of 1/64 ms. Two words, each tagged with the permit
// it belongs to: 20 bits of tag, 44 of time (8.7 years).
//
// A word is written after the transition was won. Whoever needs it before the winner has written it writes it instead (the first
// one counts), so a thread that stops in between cannot leave a breaker open for ever.

import { permitOf, stepOf, transitionOf } from "./breaker-state";
import { jitterOf } from "./breaker-jitter";
import * as L from "./layout";

export const TICKS_PER_MS: f64 = 64;
/** Exclusive upper bound of every time, in milliseconds. */
export const TIME_MAX_MS: f64 = 274877906944;
const TICKS_MASK: u64 = 0xfffffffffff;
/** The state has moved on; load it again. */
export const TIME_STALE: u64 = u64.MAX_VALUE;

// @ts-ignore: decorator
@inline
export function timeFits(ms: f64): bool {
  return ms >= 0 && ms < TIME_MAX_MS;
}

// @ts-ignore: decorator
@inline
export function ticksOf(ms: f64): u64 {
  return u64(i64(ms * TICKS_PER_MS));
}

// @ts-ignore: decorator
@inline
export function msOf(ticks: u64): f64 {
  return f64(i64(ticks)) / TICKS_PER_MS;
}

// @ts-ignore: decorator
@inline
function tagOf(state: u64): u64 {
  return u64(permitOf(state) & 0xfffff);
}

/** Ticks at which the permits of `state` began. */
export function beganAt(slot: i32, state: u64, now: u64): u64 {
  const tag = tagOf(state);
  while (true) {
    const seen = atomic.load<u64>(slot, L.SLOT_TIME);
    if (seen >> 44 == tag) return seen & TICKS_MASK;
    if (permitOf(atomic.load<u64>(slot, L.SLOT_STATE)) != permitOf(state)) return TIME_STALE;
    if (atomic.cmpxchg<u64>(slot, seen, (tag << 44) | now, L.SLOT_TIME) == seen) return now;
  }
}

/** Ticks until which the open `state` refuses. */
export function openUntil(slot: i32, state: u64, now: u64): u64 {
  const tag = tagOf(state);
  while (true) {
    const seen = atomic.load<u64>(slot, L.SLOT_UNTIL);
    if (seen >> 44 == tag) return seen & TICKS_MASK;
    const began = beganAt(slot, state, now);
    if (began == TIME_STALE) return TIME_STALE;
    const plain = plainOpenTicks(slot, stepOf(state));
    const ticks = plain * (1 - load<f64>(slot, L.SLOT_JITTER) * jitterOf(load<u32>(slot, L.SLOT_SEED), transitionOf(state)));
    const end = began + u64(i64(ticks));
    const until = end < TICKS_MASK ? end : TICKS_MASK;
    if (atomic.cmpxchg<u64>(slot, seen, (tag << 44) | until, L.SLOT_UNTIL) == seen) return until;
  }
}

/** Writes both words of a slot that no other thread uses yet. */
export function startTimes(slot: i32, now: u64, until: u64): void {
  atomic.store<u64>(slot, now, L.SLOT_TIME);
  atomic.store<u64>(slot, until < TICKS_MASK ? until : TICKS_MASK, L.SLOT_UNTIL);
}

/** Open time of a step before jitter: first × growth^step, at most the cap. */
export function plainOpenTicks(slot: i32, step: i32): f64 {
  const max = load<f64>(slot, L.SLOT_OPEN_MAX_TICKS);
  const growth = load<f64>(slot, L.SLOT_OPEN_GROWTH);
  let ticks = load<f64>(slot, L.SLOT_OPEN_TICKS);
  for (let i = 0; i < step && ticks < max; i++) ticks *= growth;
  return ticks < max ? ticks : max;
}

/** The step left after `closed` ticks without opening: it falls by one for each stretch as long as its own open time. */
export function shrunkStep(slot: i32, step: i32, closed: u64): i32 {
  let left = f64(i64(closed));
  while (step > 0) {
    const stretch = plainOpenTicks(slot, step);
    if (left < stretch) break;
    left -= stretch;
    step--;
  }
  return step;
}

/** Ticks from `began` to `now`; a thread whose reading of the clock is older counts as 0. */
// @ts-ignore: decorator
@inline
export function elapsed(began: u64, now: u64): u64 {
  return now > began ? now - began : 0;
}
