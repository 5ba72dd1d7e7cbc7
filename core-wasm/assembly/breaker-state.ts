// The state of a breaker is one 64-bit word, changed by compare-and-swap only: so every transition and every probe has
// exactly one winner.
//
//   63            36 35          22 21  20 19  18 17    14 13         7 6          0
//   ├─ generation ──┼─ transitions ┼ state ┼ from ─┼ cause ┼ probes out ┼ successes ┤
//
// A permit is the generation it was given in. Each transition begins a new generation, and so does each new round of
// probes: a permit of an earlier one is late, whatever it reports.

export const STATE_CLOSED: i32 = 0;
export const STATE_OPEN: i32 = 1;
export const STATE_HALF_OPEN: i32 = 2;

export const CAUSE_FAILURE_RATE: i32 = 1;
export const CAUSE_OPEN_TIME_OVER: i32 = 2;
export const CAUSE_PROBE_FAILED: i32 = 3;
export const CAUSE_PROBE_LOST: i32 = 4;
export const CAUSE_PROBES_SUCCEEDED: i32 = 5;

/** Permits are 0 to this; then they begin again at 0. */
export const PERMIT_MAX: i32 = 0xfffffff;
/** The transition number counts to this; then it begins again at 0. */
export const TRANSITION_MAX: i32 = 0x3fff;

// @ts-ignore: decorator
@inline
export function generationOf(word: u64): u32 {
  return u32(word >> 36);
}

// @ts-ignore: decorator
@inline
export function transitionOf(word: u64): u32 {
  return u32(word >> 22) & TRANSITION_MAX;
}

// @ts-ignore: decorator
@inline
export function stateOf(word: u64): u32 {
  return u32(word >> 20) & 3;
}

// @ts-ignore: decorator
@inline
export function probesOf(word: u64): u32 {
  return u32(word >> 7) & 127;
}

// @ts-ignore: decorator
@inline
export function successesOf(word: u64): u32 {
  return u32(word) & 127;
}

/** What the log keeps of a transition: its number, from, to and cause, as one u32. */
// @ts-ignore: decorator
@inline
export function logEntryOf(word: u64): u32 {
  return u32(word >> 14) & 0x3fffff;
}

/** The same generation with other probes. */
// @ts-ignore: decorator
@inline
export function withProbes(word: u64, probes: u32, successes: u32): u64 {
  return (word & ~u64(0x3fff)) | (u64(probes) << 7) | u64(successes);
}

/** A new round of probes: the next generation, one probe out, the successes so far kept; no transition. */
// @ts-ignore: decorator
@inline
export function nextRound(word: u64): u64 {
  return withProbes(word + (u64(1) << 36), 1, successesOf(word));
}

/** The word after a transition. */
// @ts-ignore: decorator
@inline
export function transitioned(word: u64, to: i32, cause: i32, probes: u32): u64 {
  const generation = u64(generationOf(word) + 1) << 36;
  const number = u64((transitionOf(word) + 1) & TRANSITION_MAX) << 22;
  return generation | number | (u64(to) << 20) | (u64(stateOf(word)) << 18) | (u64(cause) << 14) | (u64(probes) << 7);
}
