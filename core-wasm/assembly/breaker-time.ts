// When the present generation began, in ticks of 1/64 ms, tagged with the generation: 20 bits of tag, 44 of time (8.7 years).
//
// The word is written after the transition was won. Whoever needs it before the winner has written it writes its own time
// instead (the first one counts), so a thread that stops in between cannot leave a breaker open for ever.

import { generationOf } from "./breaker-state";
import * as L from "./layout";

export const TICKS_PER_MS: f64 = 64;
/** Exclusive upper bound of every time, in milliseconds. */
export const TIME_MAX_MS: f64 = 274877906944;
const TICKS_MASK: u64 = 0xfffffffffff;
/** The state has moved on; load it again. */
export const TIME_STALE: u64 = u64.MAX_VALUE;

// @ts-ignore: decorator
@inline
export function ticksOf(ms: f64): u64 {
  return u64(ms * TICKS_PER_MS);
}

/** Ticks at which the generation of `state` began. */
export function beganAt(slot: i32, state: u64, now: u64): u64 {
  const tag = u64(generationOf(state) & 0xfffff);
  while (true) {
    const seen = atomic.load<u64>(slot, L.SLOT_TIME);
    if (seen >> 44 == tag) return seen & TICKS_MASK;
    if (generationOf(atomic.load<u64>(slot, L.SLOT_STATE)) != generationOf(state)) return TIME_STALE;
    if (atomic.cmpxchg<u64>(slot, seen, (tag << 44) | now, L.SLOT_TIME) == seen) return now;
  }
}

/** Ticks from `began` to `now`; a thread whose reading of the clock is older counts as 0. */
// @ts-ignore: decorator
@inline
export function elapsed(began: u64, now: u64): u64 {
  return now > began ? now - began : 0;
}
