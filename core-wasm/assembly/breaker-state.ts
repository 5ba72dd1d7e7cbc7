// The state of a breaker is one 64-bit word, changed by compare-and-swap only: so every transition and every probe has
// exactly one winner.
//
//   63        41 40   33 32  30 29 27 26  22 21  17 16         10 9         0
//   ├ transition ┼ round ┼ state ┼ from ┼ cause ┼ step ┼ probes out ┼ successes ┤
//
// A permit is transition and round: each transition begins new permits, and so does each new round of probes. A permit of an
// earlier one is late, whatever it reports. A word of zeros is a slot that is not in use.

export const STATE_NONE: i32 = 0;
export const STATE_CLOSED: i32 = 1;
export const STATE_OPEN: i32 = 2;
export const STATE_HALF_OPEN: i32 = 3;
/** Set by a call: refuses everything. */
export const STATE_FORCED_OPEN: i32 = 4;
/** Set by a call: lets everything pass and keeps counters only. */
export const STATE_DISABLED: i32 = 5;
/** Set by a call: lets everything pass and keeps the window running. */
export const STATE_METRICS_ONLY: i32 = 6;

export const CAUSE_FAILURE_RATE: i32 = 1;
export const CAUSE_SLOW_RATE: i32 = 2;
export const CAUSE_OPEN_TIME_OVER: i32 = 3;
export const CAUSE_PROBE_FAILED: i32 = 4;
export const CAUSE_PROBE_SLOW: i32 = 5;
export const CAUSE_PROBE_LOST: i32 = 6;
export const CAUSE_PROBES_SUCCEEDED: i32 = 7;
export const CAUSE_FORCED: i32 = 8;
export const CAUSE_RESET: i32 = 9;

/** Permits are 0 to this; then they begin again at 0. */
export const PERMIT_MAX: i32 = 0x7fffffff;
/** The transition number counts to this; then it begins again at 0. */
export const TRANSITION_MAX: i32 = 0x7fffff;
/** Steps by which the open time can have grown. */
export const STEP_MAX: i32 = 31;

// @ts-ignore: decorator
@inline
export function permitOf(word: u64): u32 {
  return u32(word >> 33);
}

// @ts-ignore: decorator
@inline
export function transitionOf(word: u64): u32 {
  return u32(word >> 41);
}

// @ts-ignore: decorator
@inline
export function stateOf(word: u64): i32 {
  return i32(word >> 30) & 7;
}

// @ts-ignore: decorator
@inline
export function stepOf(word: u64): i32 {
  return i32(word >> 17) & 31;
}

// @ts-ignore: decorator
@inline
export function probesOf(word: u64): u32 {
  return u32(word >> 10) & 127;
}

// @ts-ignore: decorator
@inline
export function successesOf(word: u64): u32 {
  return u32(word) & 1023;
}

/** State, from and cause, as the log keeps them: 11 bits. */
// @ts-ignore: decorator
@inline
export function factsOf(word: u64): u64 {
  return (word >> 22) & 0x7ff;
}

/** The same permits with other probes. */
// @ts-ignore: decorator
@inline
export function withProbes(word: u64, probes: u32, successes: u32): u64 {
  return (word & ~u64(0x1ffff)) | (u64(probes) << 10) | u64(successes);
}

/** A new round of probes: other permits, one probe out, the successes so far kept; no transition. */
// @ts-ignore: decorator
@inline
export function nextRound(word: u64): u64 {
  const round = u64((u32(word >> 33) + 1) & 255) << 33;
  return (withProbes(word, 1, successesOf(word)) & ~(u64(255) << 33)) | round;
}

/** The word after a transition. */
// @ts-ignore: decorator
@inline
export function transitioned(word: u64, to: i32, cause: i32, step: i32, probes: u32): u64 {
  const number = u64((transitionOf(word) + 1) & TRANSITION_MAX) << 41;
  return number | (u64(to) << 30) | (u64(stateOf(word)) << 27) | (u64(cause) << 22) | (u64(step) << 17) | (u64(probes) << 10);
}
