// The sliding window over the last stretch of time: N buckets of equal length, in a ring of 64.
//
//   tag     63        46 45        10 9   7 6    0      counts   63  57 56  38 37    19 18   0
//           ├ generation ┼ bucket ──┼ none ┼ serial ┤            ├ serial ┼ calls ┼ failures ┼ slow ┤
//
// Bucket b covers the ticks from (b - 64) × length on and stands at b mod 64. Whoever finds an older bucket there replaces the tag,
// with the next serial: one winner. Counts with another serial than the tag's count as none, so nothing is ever cleared, and a
// thread that stops in between leaves nothing half done. An outcome is counted by one compare-and-swap of the counts.
//
// The window is the present bucket and the N - 1 before it: an outcome counts for at least (N - 1)/N of the window's length and
// less than all of it. A bucket holds 524,287 calls; then its three counts are halved, which keeps its rates and gives it less weight.

import { transitionOf } from "./breaker-state";
import { generationOf, windowGeneration } from "./breaker-window";
import { verdict } from "./breaker-verdict";
import { expect, FAULT_CONTENTION } from "./fault";
import * as L from "./layout";

export const BUCKET_CALLS_MAX: u32 = 0x7ffff;
export const BUCKET_CALLS: i32 = 38;
export const BUCKET_FAILURES: i32 = 19;
export const BUCKET_SLOW: i32 = 0;
/** Buckets are numbered from here, so that the window of the first one has numbers too and no bucket is 0. */
const FIRST: u64 = 64;
const SERIAL_MASK: u64 = 127;
const NUMBER_MASK: u64 = 0xfffffffff;
/** Not a bucket: the generation is over. */
export const BUCKET_LATE: u64 = u64.MAX_VALUE;
const TRIES_MAX: i32 = 10000000;

// @ts-ignore: decorator
@inline
function place(slot: i32, bucket: u64): i32 {
  return slot + (i32(bucket & 63) << 4);
}

// @ts-ignore: decorator
@inline
function numberOf(tag: u64): u64 {
  return (tag >> 10) & NUMBER_MASK;
}

/** The bucket of a time. The quotient of two integers below 2^44 is exact when cut, so this is an integer division, only faster. */
// @ts-ignore: decorator
@inline
export function bucketOf(slot: i32, ticks: u64): u64 {
  return FIRST + u64(i64(f64(i64(ticks)) / load<f64>(slot, L.SLOT_BUCKET_TICKS)));
}

/** Counts a success in a bucket that stands in its place and is not full. False when it has not. */
export function bucketPushSteady(slot: i32, transition: u32, ticks: u64): bool {
  const wanted = bucketOf(slot, ticks);
  const at = place(slot, wanted);
  const tag = atomic.load<u64>(at, L.SLOT_RING);
  const seen = atomic.load<u64>(at, L.SLOT_RING + 8);
  if (tag >> 10 != ((u64(generationOf(transition)) << 36) | wanted) || seen >> 57 != (tag & SERIAL_MASK)) return false;
  if ((u32(seen >> BUCKET_CALLS) & BUCKET_CALLS_MAX) == BUCKET_CALLS_MAX) return false;
  return atomic.cmpxchg<u64>(at, seen, seen + (u64(1) << BUCKET_CALLS), L.SLOT_RING + 8) == seen;
}

/** Counts an outcome (bit 0: failed, bit 1: slow) made at `ticks`. Returns the bucket that took it, or BUCKET_LATE. */
export function bucketPush(slot: i32, transition: u32, outcome: u32, ticks: u64): u64 {
  const generation = generationOf(transition);
  const wanted = bucketOf(slot, ticks);
  const at = place(slot, wanted);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    let tag = atomic.load<u64>(at, L.SLOT_RING);
    // A reading of the clock that is 64 buckets behind counts where its place has gone to.
    if (u32(tag >> 46) != generation || numberOf(tag) < wanted) {
      if (transitionOf(atomic.load<u64>(slot, L.SLOT_STATE)) != transition) return BUCKET_LATE;
      showGeneration(slot, generation);
      const next = (u64(generation) << 46) | (wanted << 10) | ((tag + 1) & SERIAL_MASK);
      if (atomic.cmpxchg<u64>(at, tag, next, L.SLOT_RING) != tag) continue;
      tag = next;
    }
    const serial = tag & SERIAL_MASK;
    const seen = atomic.load<u64>(at, L.SLOT_RING + 8);
    const counts = added(seen >> 57 == serial ? seen : serial << 57, outcome);
    if (atomic.cmpxchg<u64>(at, seen, counts, L.SLOT_RING + 8) == seen) return numberOf(tag);
  }
  expect(false, FAULT_CONTENTION);
  return BUCKET_LATE;
}

/** Notes which generation had the newest window, for those who look while the breaker is open. */
function showGeneration(slot: i32, generation: u32): void {
  const seen = atomic.load<u64>(slot, L.SLOT_WINDOW);
  if (windowGeneration(seen) != generation) atomic.cmpxchg<u64>(slot, seen, u64(generation) << 46, L.SLOT_WINDOW);
}

// @ts-ignore: decorator
@inline
function added(counts: u64, outcome: u32): u64 {
  const full = (u32(counts >> BUCKET_CALLS) & BUCKET_CALLS_MAX) == BUCKET_CALLS_MAX;
  return (full ? halved(counts) : counts) + (u64(1) << BUCKET_CALLS) + (u64(outcome & 1) << BUCKET_FAILURES) + u64(outcome >> 1);
}

function halved(counts: u64): u64 {
  return (
    (counts & (SERIAL_MASK << 57)) |
    (((counts >> BUCKET_CALLS) & BUCKET_CALLS_MAX) >> 1 << BUCKET_CALLS) |
    (((counts >> BUCKET_FAILURES) & BUCKET_CALLS_MAX) >> 1 << BUCKET_FAILURES) |
    ((counts & BUCKET_CALLS_MAX) >> 1)
  );
}

/** Counts of one bucket, without its serial; 0 when it is not there. */
// @ts-ignore: decorator
@inline
export function bucketCounts(slot: i32, generation: u32, bucket: u64): u64 {
  const at = place(slot, bucket);
  const tag = atomic.load<u64>(at, L.SLOT_RING);
  if (tag >> 10 != ((u64(generation) << 36) | bucket)) return 0;
  const counts = atomic.load<u64>(at, L.SLOT_RING + 8);
  return counts >> 57 == (tag & SERIAL_MASK) ? counts & ((u64(1) << 57) - 1) : 0;
}

/** Sum of one count (BUCKET_CALLS, BUCKET_FAILURES, BUCKET_SLOW) over the window that ends with `bucket`. */
export function bucketSum(slot: i32, generation: u32, bucket: u64, count: i32): u32 {
  const buckets = load<u32>(slot, L.SLOT_BUCKETS);
  let sum: u32 = 0;
  for (let i: u32 = 0; i < buckets; i++) {
    sum += u32(bucketCounts(slot, generation, bucket - i) >> count) & BUCKET_CALLS_MAX;
  }
  return sum;
}

/** Whether the window that ends with `bucket` has enough calls and too many of them failed or slow: the cause, or 0. */
export function bucketVerdict(slot: i32, generation: u32, bucket: u64): i32 {
  const buckets = load<u32>(slot, L.SLOT_BUCKETS);
  let calls: u32 = 0;
  let failures: u32 = 0;
  let slow: u32 = 0;
  for (let i: u32 = 0; i < buckets; i++) {
    const counts = bucketCounts(slot, generation, bucket - i);
    calls += u32(counts >> BUCKET_CALLS);
    failures += u32(counts >> BUCKET_FAILURES) & BUCKET_CALLS_MAX;
    slow += u32(counts) & BUCKET_CALLS_MAX;
  }
  return verdict(slot, calls, failures, slow);
}

/** The newest bucket of a generation; that of `otherwise` when it has none. */
export function newestBucket(slot: i32, generation: u32, otherwise: u64): u64 {
  let newest: u64 = 0;
  for (let i: u64 = 0; i < 64; i++) {
    const tag = atomic.load<u64>(place(slot, i), L.SLOT_RING);
    if (u32(tag >> 46) == generation && numberOf(tag) > newest) newest = numberOf(tag);
  }
  return newest == 0 ? bucketOf(slot, otherwise) : newest;
}

/** Puts counts into the oldest bucket of the window at `ticks`, in a slot that no other thread uses yet. */
export function bucketStart(slot: i32, ticks: u64, calls: u32, failures: u32, slow: u32): void {
  const bucket = bucketOf(slot, ticks) + 1 - load<u32>(slot, L.SLOT_BUCKETS);
  const at = place(slot, bucket);
  atomic.store<u64>(at, bucket << 10, L.SLOT_RING);
  const counts = (u64(calls) << BUCKET_CALLS) | (u64(failures) << BUCKET_FAILURES) | u64(slow);
  atomic.store<u64>(at, counts, L.SLOT_RING + 8);
}
