// The sliding window over the last N outcomes: a ring of entries, and one word that says where it stands.
//
//   word   60        33 32   22 21   12 11        1   0
//          ├ generation ┼ lap ──┼ head ─┼ failures ─┼ last ┤      head: where the next outcome goes; last: the newest outcome
//
//   ring   ├ e0 ┼ e1 ┼ … ┼ e(N-1) ┤   entry: generation (low 20 bits) · lap (11 bits) · outcome (1 bit, 1 is a failure)
//
// An outcome is recorded by one compare-and-swap of the word, which carries the newest outcome with it. Whoever comes next
// first settles that outcome into the ring, so a thread that stops between the two steps loses nothing and blocks no one.
// The tag makes every value of an entry unique, so a settler that was asleep cannot overwrite what is newer. The word of an
// earlier generation counts as empty: closing a breaker resets its window without touching the ring.

import { generationOf } from "./breaker-state";
import { expect, FAULT_CONTENTION, FAULT_STATE } from "./fault";
import * as L from "./layout";

const LAP_MAX: u32 = 2047;
/** Not a word: its top bits are never set in one. */
export const WINDOW_LATE: u64 = u64.MAX_VALUE;
const TRIES_MAX: i32 = 10000000;

// @ts-ignore: decorator
@inline
export function windowGeneration(word: u64): u32 {
  return u32(word >> 33);
}

// @ts-ignore: decorator
@inline
function lapOf(word: u64): u32 {
  return u32(word >> 22) & LAP_MAX;
}

// @ts-ignore: decorator
@inline
function headOf(word: u64): u32 {
  return u32(word >> 12) & 1023;
}

// @ts-ignore: decorator
@inline
export function windowFailures(word: u64): u32 {
  return u32(word >> 1) & 2047;
}

// @ts-ignore: decorator
@inline
export function windowCalls(word: u64, size: u32): u32 {
  return lapOf(word) ? size : headOf(word);
}

/** Adds an outcome (1: failure) of `generation`. Returns the word that did it, or WINDOW_LATE when the generation is over. */
export function windowPush(slot: i32, generation: u32, failed: u32): u64 {
  const size = load<u32>(slot, L.SLOT_WINDOW_CALLS);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const seen = atomic.load<u64>(slot, L.SLOT_WINDOW);
    let word = seen;
    if (windowGeneration(seen) == generation) settle(slot, seen, size);
    else if (generationOf(atomic.load<u64>(slot, L.SLOT_STATE)) == generation) word = u64(generation) << 33;
    else return WINDOW_LATE;

    const head = headOf(word);
    const lap = lapOf(word);
    let failures = windowFailures(word) + failed;
    if (lap) failures -= atomic.load<u32>(slot + (head << 2), L.SLOT_RING) & 1;
    const wraps = head + 1 == size;
    const lapNext = wraps ? (lap == LAP_MAX ? 1 : lap + 1) : lap;
    const next =
      (u64(generation) << 33) | (u64(lapNext) << 22) | (u64(wraps ? 0 : head + 1) << 12) | (u64(failures & 2047) << 1) | u64(failed);
    if (atomic.cmpxchg<u64>(slot, seen, next, L.SLOT_WINDOW) == seen) {
      expect(failures <= windowCalls(next, size), FAULT_STATE);
      settle(slot, next, size);
      return next;
    }
  }
  expect(false, FAULT_CONTENTION);
  return WINDOW_LATE;
}

/** Puts the newest outcome of `word` into the ring, unless another thread has. */
function settle(slot: i32, word: u64, size: u32): void {
  const head = headOf(word);
  const lap = lapOf(word);
  if (head == 0 && lap == 0) return;
  const entry = slot + ((head == 0 ? size - 1 : head - 1) << 2);
  const settled = (windowGeneration(word) << 12) | (lap << 1) | (u32(word) & 1);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const seen = atomic.load<u32>(entry, L.SLOT_RING);
    if (seen == settled) return;
    // A word that has moved on was settled before it moved, or belongs to a generation that is over.
    if (atomic.load<u64>(slot, L.SLOT_WINDOW) != word) return;
    if (atomic.cmpxchg<u32>(entry, seen, settled, L.SLOT_RING) == seen) return;
  }
  expect(false, FAULT_CONTENTION);
}
