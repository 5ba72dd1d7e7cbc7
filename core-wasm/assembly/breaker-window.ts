// The sliding window over the last N outcomes: a ring of entries, and one word that says where it stands.
//
//   word   63        46 45       24 23  13 12     2 1    0
//          ├ generation ┼ position ─┼ slow ─┼ failures ┼ last ┤      position: lap and head; head: where the next outcome goes
//
//   ring   ├ e0 ┼ e1 ┼ … ┼ e(N-1) ┤   entry: generation and lap (30 bits) · outcome (2 bits: failed, slow)
//
// An outcome is recorded by one compare-and-swap of the word, which carries the newest outcome with it. Whoever comes next
// first settles that outcome into the ring, so a thread that stops between the two steps loses nothing and blocks no one.
// An entry is written when its outcome changes, once in each generation, and when it is half as many laps old as there are tags.
// Head takes as few bits as N needs, so a tag comes again after 4 million outcomes whatever N is, and an entry's value after 2
// million or more: a settler would have to sleep for exactly that long to overwrite what is newer. The word of an earlier
// generation counts as empty: closing a breaker resets its window without touching the ring.

import { transitionOf } from "./breaker-state";
import { expect, FAULT_CONTENTION, FAULT_STATE } from "./fault";
import * as L from "./layout";

const POSITION_BITS: i32 = 22;
const GENERATION_MASK: u32 = 0x3ffff;
const COUNT_MASK: u32 = 2047;
/** Not a word: generation and position are never all ones with nothing counted. */
export const WINDOW_LATE: u64 = u64.MAX_VALUE;
const TRIES_MAX: i32 = 10000000;

// @ts-ignore: decorator
@inline
export function generationOf(transition: u32): u32 {
  return transition & GENERATION_MASK;
}

// @ts-ignore: decorator
@inline
export function windowGeneration(word: u64): u32 {
  return u32(word >> 46);
}

// @ts-ignore: decorator
@inline
function positionOf(word: u64): u32 {
  return u32(word >> 24) & 0x3fffff;
}

// @ts-ignore: decorator
@inline
export function windowSlow(word: u64): u32 {
  return u32(word >> 13) & COUNT_MASK;
}

// @ts-ignore: decorator
@inline
export function windowFailures(word: u64): u32 {
  return u32(word >> 2) & COUNT_MASK;
}

// @ts-ignore: decorator
@inline
export function windowCalls(slot: i32, word: u64): u32 {
  const position = positionOf(word);
  const bits = load<i32>(slot, L.SLOT_HEAD_BITS);
  return position >> bits ? load<u32>(slot, L.SLOT_WINDOW_CALLS) : position & ((1 << bits) - 1);
}

/** Bits that the head of a window of `size` needs: 0 to 10. */
export function headBits(size: i32): i32 {
  let bits = 0;
  while (1 << bits < size) bits++;
  return bits;
}

/**
 * Adds a success that changes nothing but the position: the newest outcome and the one that leaves are successes too, what is to be
 * settled stands in the ring, and no lap ends. So it is with most outcomes of a breaker that stays closed. False when it has not.
 */
// @ts-ignore: decorator
@inline
export function windowPushSteady(slot: i32, transition: u32): bool {
  const seen = atomic.load<u64>(slot, L.SLOT_WINDOW);
  const position = positionOf(seen);
  const bits = load<i32>(slot, L.SLOT_HEAD_BITS);
  const head = position & ((1 << bits) - 1);
  const entry = slot + (head << 2);
  // The head of a window by time stays 0.
  if (head == 0 || head + 1 >= load<u32>(slot, L.SLOT_WINDOW_CALLS)) return false;
  if ((u32(seen) & 3) != 0 || windowGeneration(seen) != generationOf(transition)) return false;
  if (!stands(atomic.load<u32>(entry, L.SLOT_RING - 4), tagOf(seen, position, bits) << 2, bits)) return false;
  if (position >> bits != 0 && (atomic.load<u32>(entry, L.SLOT_RING) & 3) != 0) return false;
  return atomic.cmpxchg<u64>(slot, seen, seen + (u64(1) << 24), L.SLOT_WINDOW) == seen;
}

/** Adds an outcome (bit 0: failed, bit 1: slow) under `transition`. Returns the word that did it, or WINDOW_LATE when that is over. */
export function windowPush(slot: i32, transition: u32, outcome: u32): u64 {
  const size = load<u32>(slot, L.SLOT_WINDOW_CALLS);
  const bits = load<i32>(slot, L.SLOT_HEAD_BITS);
  const generation = generationOf(transition);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const seen = atomic.load<u64>(slot, L.SLOT_WINDOW);
    let word = seen;
    if (windowGeneration(seen) == generation) settle(slot, seen, size, bits);
    else if (transitionOf(atomic.load<u64>(slot, L.SLOT_STATE)) == transition) word = u64(generation) << 46;
    else return WINDOW_LATE;

    const position = positionOf(word);
    const head = position & ((1 << bits) - 1);
    const lap = position >> bits;
    let failures = windowFailures(word) + (outcome & 1);
    let slow = windowSlow(word) + (outcome >> 1);
    if (lap) {
      const leaves = atomic.load<u32>(slot + (head << 2), L.SLOT_RING);
      failures -= leaves & 1;
      slow -= (leaves >> 1) & 1;
    }
    let next = position + 1;
    if (head + 1 == size) {
      const lapNext = lap + 1;
      next = (lapNext >> (POSITION_BITS - bits) ? 1 : lapNext) << bits;
    }
    const pushed =
      (u64(generation) << 46) |
      (u64(next) << 24) |
      (u64(slow & COUNT_MASK) << 13) |
      (u64(failures & COUNT_MASK) << 2) |
      u64(outcome);
    if (atomic.cmpxchg<u64>(slot, seen, pushed, L.SLOT_WINDOW) == seen) {
      const calls = windowCalls(slot, pushed);
      expect(failures <= calls && slow <= calls, FAULT_STATE);
      return pushed;
    }
  }
  expect(false, FAULT_CONTENTION);
  return WINDOW_LATE;
}

/** Generation and lap of what `word` has pushed last. */
// @ts-ignore: decorator
@inline
function tagOf(word: u64, position: u32, bits: i32): u32 {
  return (windowGeneration(word) << (POSITION_BITS - bits)) | (position >> bits);
}

/** Puts the newest outcome of `word` into the ring, unless it is there. */
// @ts-ignore: decorator
@inline
function settle(slot: i32, word: u64, size: u32, bits: i32): void {
  const position = positionOf(word);
  if (position == 0) return;
  const head = position & ((1 << bits) - 1);
  const entry = slot + ((head == 0 ? size - 1 : head - 1) << 2);
  const settled = (tagOf(word, position, bits) << 2) | (u32(word) & 3);
  if (!stands(atomic.load<u32>(entry, L.SLOT_RING), settled, bits)) settleEntry(slot, word, entry, settled, bits);
}

/**
 * Whether an entry says what `settled` says: the same outcome, written in the same generation, not too many laps ago. A settler of
 * an earlier generation or lap that still means to write has seen another value in it, so it writes nothing.
 */
// @ts-ignore: decorator
@inline
function stands(seen: u32, settled: u32, bits: i32): bool {
  const lapBits = POSITION_BITS - bits;
  return ((seen ^ settled) & 3) == 0 && (seen ^ settled) >> (lapBits + 2) == 0 && (settled >> 2) - (seen >> 2) < 1 << (lapBits - 1);
}

function settleEntry(slot: i32, word: u64, entry: i32, settled: u32, bits: i32): void {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const seen = atomic.load<u32>(entry, L.SLOT_RING);
    if (stands(seen, settled, bits)) return;
    // A word that has moved on was settled before it moved, or belongs to a generation that is over.
    if (atomic.load<u64>(slot, L.SLOT_WINDOW) != word) return;
    if (atomic.cmpxchg<u32>(entry, seen, settled, L.SLOT_RING) == seen) return;
  }
  expect(false, FAULT_CONTENTION);
}
