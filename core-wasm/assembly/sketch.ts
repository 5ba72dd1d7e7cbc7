// Latencies by buckets of equal relative width, after DDSketch (Masson, Rim, Lee, VLDB 2019), with its linearly interpolated mapping:
// each power of two is cut into 64 parts, so the bucket of a time is the top of its f64, without a logarithm.
//
//   f64    63 62      52 51    46 45           0        bucket = (exponent and part) − those of 2^-10 ms
//          ├ s ┼ exponent ┼ part ─┼ not looked at ┤
//
// The widest bucket relative to its value is the first of a power of two, from x to x × 65/64. Its estimate, the harmonic mean of
// both ends, is off by at most 1/129 (0.78 %) either way. 2048 buckets cover 2^-10 ms (about 1 µs) to 2^22 ms (70 minutes); what is
// shorter is counted in the first one, what is longer in the last one.

import { TIME_MAX_MS } from "./breaker-time";
import { expect, FAULT_RANGE, FAULT_STATE } from "./fault";
import * as L from "./layout";

/** Parts of a power of two. */
export const SKETCH_PARTS: i32 = 64;
/** The first bucket begins at 2 to this many ms. */
export const SKETCH_EXPONENT_MIN: i32 = -10;
/** The sum counts in units of 2^-20 ms, each time cut down to whole ones: about 1 ps. */
export const SKETCH_TICKS_PER_MS: f64 = 1048576;

const PART_BITS: i32 = 6;
const MS_MIN: f64 = 0.0009765625;
/** Top bits of MS_MIN. */
const FIRST: i32 = (1023 + SKETCH_EXPONENT_MIN) << PART_BITS;

// @ts-ignore: decorator
@inline
function ready(index: i32): i32 {
  expect(index >= 0 && index < L.SKETCH_COUNT, FAULT_RANGE);
  const sketch = L.SKETCH_FIRST + index * L.SKETCH_BYTES;
  expect(atomic.load<i32>(sketch, L.SKETCH_READY) == 1, FAULT_STATE);
  return sketch;
}

/** Takes the next free sketch: its index, or -1 when all are taken. Never given back. */
export function sketchTake(): i32 {
  while (true) {
    const taken = atomic.load<i32>(L.SKETCHES_TAKEN);
    if (taken >= L.SKETCH_COUNT) return -1;
    if (atomic.cmpxchg<i32>(L.SKETCHES_TAKEN, taken, taken + 1) == taken) {
      atomic.store<i32>(L.SKETCH_FIRST + taken * L.SKETCH_BYTES, 1, L.SKETCH_READY);
      return taken;
    }
  }
}

/** Adds a time, 0 or more: one atomic addition to its bucket, one to the sum, one reading of the maximum. */
export function sketchAdd(index: i32, ms: f64): void {
  const sketch = ready(index);
  expect(ms >= 0 && ms < TIME_MAX_MS, FAULT_RANGE);
  let bucket = 0;
  if (ms >= MS_MIN) {
    bucket = i32(reinterpret<u64>(ms) >> (52 - PART_BITS)) - FIRST;
    if (bucket >= L.SKETCH_BUCKET_COUNT) bucket = L.SKETCH_BUCKET_COUNT - 1;
  }
  atomic.add<u64>(sketch + (bucket << 3), 1, L.SKETCH_BUCKETS);
  atomic.add<u64>(sketch, u64(ms * SKETCH_TICKS_PER_MS), L.SKETCH_SUM);
  raiseMax(sketch, ms);
}

/** Bits of an f64 from 0 up are in the order of the numbers. */
// @ts-ignore: decorator
@inline
function raiseMax(sketch: i32, ms: f64): void {
  while (true) {
    const seen = atomic.load<u64>(sketch, L.SKETCH_MAX);
    if (reinterpret<f64>(seen) >= ms) return;
    if (atomic.cmpxchg<u64>(sketch, seen, reinterpret<u64>(ms), L.SKETCH_MAX) == seen) return;
  }
}

/** Adds what another sketch holds now: as if each of its times had been added. */
export function sketchMerge(into: i32, from: i32): void {
  expect(into != from, FAULT_RANGE);
  const target = ready(into);
  const source = ready(from);
  for (let at = 0; at < L.SKETCH_BUCKET_COUNT << 3; at += 8) {
    const times = atomic.load<u64>(source + at, L.SKETCH_BUCKETS);
    if (times != 0) atomic.add<u64>(target + at, times, L.SKETCH_BUCKETS);
  }
  atomic.add<u64>(target, atomic.load<u64>(source, L.SKETCH_SUM), L.SKETCH_SUM);
  raiseMax(target, reinterpret<f64>(atomic.load<u64>(source, L.SKETCH_MAX)));
}

/** Times counted in a bucket. */
export function sketchBucket(index: i32, bucket: i32): f64 {
  expect(bucket >= 0 && bucket < L.SKETCH_BUCKET_COUNT, FAULT_RANGE);
  return f64(atomic.load<u64>(ready(index) + (bucket << 3), L.SKETCH_BUCKETS));
}

/** Sum of all times, in ms. */
export function sketchSum(index: i32): f64 {
  return f64(atomic.load<u64>(ready(index), L.SKETCH_SUM)) / SKETCH_TICKS_PER_MS;
}

/** The longest time, in ms; 0 when there is none. */
export function sketchMax(index: i32): f64 {
  return reinterpret<f64>(atomic.load<u64>(ready(index), L.SKETCH_MAX));
}
