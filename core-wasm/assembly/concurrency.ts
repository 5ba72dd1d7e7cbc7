// A concurrency limit that follows what an engine can take: Gradient2 of Netflix's concurrency-limits (Gradient2Limit.java, with the
// RTT tolerance of its later versions). The gradient is the long-term RTT over the newest one: below 1 it means that calls wait.
//
//   gradient = max(0.5, min(1, tolerance × long / rtt))
//   limit    = limit × (1 − smoothing) + (limit × gradient + queue) × smoothing, within min and max
//
// The limit stays while less than half of it is in use. The long-term RTT is the mean of the first ten samples, then an exponential
// average over `window`; when it is more than twice the newest RTT it is cut by a tenth, so that it recovers soon from a bad hour.
// The original does nothing about calls that were dropped; here each multiplies the limit with 0.9, as AIMDLimit of the same library
// does, and its RTT is not averaged.
//
// The whole state is one word, changed by compare-and-swap: a sample is in it or is tried again.
//
//   63                     42 41     38 37    32 31                    0
//   ├ limit, in 1/4096 ──────┼ samples ┼ unused ─┼ long-term RTT (f32) ──┤      samples: counted to 10

import { TIME_MAX_MS } from "./breaker-time";
import { expect, FAULT_CONTENTION, FAULT_RANGE, FAULT_STATE } from "./fault";
import * as L from "./layout";

export const LIMIT_MAX: i32 = 1000;
export const LIMIT_QUEUE_MAX: i32 = 100;
export const LIMIT_WINDOW_MAX: i32 = 1000000;

const UNIT: f64 = 4096;
const WARM_UP: u32 = 10;
const BACK_OFF: f64 = 0.9;
/** An RTT below this counts as this: about 1 µs. */
const RTT_MIN_MS: f64 = 0.0009765625;
const TRIES_MAX: i32 = 10000000;

// @ts-ignore: decorator
@inline
function at(index: i32): i32 {
  expect(index >= 0 && index < L.LIMIT_COUNT, FAULT_RANGE);
  return L.LIMIT_FIRST + index * L.LIMIT_BYTES;
}

// @ts-ignore: decorator
@inline
function ready(index: i32): i32 {
  const limit = at(index);
  expect(atomic.load<i32>(limit, L.LIMIT_READY) == 1, FAULT_STATE);
  return limit;
}

// @ts-ignore: decorator
@inline
function limitOf(state: u64): f64 {
  return f64(u32(state >> 42)) / UNIT;
}

// @ts-ignore: decorator
@inline
function samplesOf(state: u64): u32 {
  return u32(state >> 38) & 15;
}

// @ts-ignore: decorator
@inline
function longOf(state: u64): f64 {
  return f64(reinterpret<f32>(u32(state)));
}

// @ts-ignore: decorator
@inline
function stateOf(limit: f64, samples: u32, long: f64): u64 {
  return (u64(limit * UNIT) << 42) | (u64(samples) << 38) | u64(reinterpret<u32>(f32(long)));
}

/** Takes the next free limit: its index, or -1 when all are taken. Never given back. */
export function limitTake(): i32 {
  while (true) {
    const taken = atomic.load<i32>(L.LIMITS_TAKEN);
    if (taken >= L.LIMIT_COUNT) return -1;
    if (atomic.cmpxchg<i32>(L.LIMITS_TAKEN, taken, taken + 1) == taken) return taken;
  }
}

/** Sets the options of a limit just taken, once, before any other call. */
export function limitConfigure(
  index: i32,
  min: i32,
  max: i32,
  initial: i32,
  queue: f64,
  tolerance: f64,
  smoothing: f64,
  window: i32,
): void {
  const limit = at(index);
  expect(atomic.load<i32>(limit, L.LIMIT_READY) == 0, FAULT_STATE);
  expect(min >= 1 && min <= initial && initial <= max && max <= LIMIT_MAX, FAULT_RANGE);
  expect(queue >= 0.1 && queue <= f64(LIMIT_QUEUE_MAX) && tolerance >= 1 && tolerance <= 100, FAULT_RANGE);
  expect(smoothing >= 0.01 && smoothing <= 1 && window >= 1 && window <= LIMIT_WINDOW_MAX, FAULT_RANGE);
  store<f64>(limit, f64(min), L.LIMIT_LEAST);
  store<f64>(limit, f64(max), L.LIMIT_MOST);
  store<f64>(limit, queue, L.LIMIT_QUEUE);
  store<f64>(limit, tolerance, L.LIMIT_TOLERANCE);
  store<f64>(limit, smoothing, L.LIMIT_SMOOTHING);
  store<f64>(limit, 2.0 / f64(window + 1), L.LIMIT_FACTOR);
  atomic.store<u64>(limit, stateOf(f64(initial), 0, 0), L.LIMIT_STATE);
  atomic.store<i32>(limit, 1, L.LIMIT_READY);
}

/** Takes in how a call went: its RTT, the calls in flight when it began (itself included), and whether it was dropped for overload. */
export function limitSample(index: i32, rttMs: f64, inFlight: i32, dropped: i32): void {
  const limit = ready(index);
  expect(rttMs >= 0 && rttMs < TIME_MAX_MS && inFlight >= 1, FAULT_RANGE);
  const rtt = rttMs < RTT_MIN_MS ? RTT_MIN_MS : rttMs;
  atomic.add<u64>(limit + (dropped ? 8 : 0), 1, L.LIMIT_SAMPLES);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const state = atomic.load<u64>(limit, L.LIMIT_STATE);
    const next = dropped ? backedOff(limit, state) : moved(limit, state, rtt, inFlight);
    if (atomic.cmpxchg<u64>(limit, state, next, L.LIMIT_STATE) == state) return;
  }
  expect(false, FAULT_CONTENTION);
}

function backedOff(limit: i32, state: u64): u64 {
  const least = load<f64>(limit, L.LIMIT_LEAST);
  const less = limitOf(state) * BACK_OFF;
  return stateOf(less < least ? least : less, samplesOf(state), longOf(state));
}

function moved(limit: i32, state: u64, rtt: f64, inFlight: i32): u64 {
  let samples = samplesOf(state);
  let long = longOf(state);
  if (samples < WARM_UP) {
    samples++;
    long = long + (rtt - long) / f64(samples);
  } else {
    const factor = load<f64>(limit, L.LIMIT_FACTOR);
    long = long * (1.0 - factor) + rtt * factor;
  }
  const kept = long / rtt > 2.0 ? long * 0.9 : long;

  const before = limitOf(state);
  if (f64(inFlight) < before / 2.0) return stateOf(before, samples, kept);
  let gradient = (load<f64>(limit, L.LIMIT_TOLERANCE) * long) / rtt;
  if (gradient > 1.0) gradient = 1.0;
  if (gradient < 0.5) gradient = 0.5;
  const smoothing = load<f64>(limit, L.LIMIT_SMOOTHING);
  let after = before * (1.0 - smoothing) + (before * gradient + load<f64>(limit, L.LIMIT_QUEUE)) * smoothing;
  const least = load<f64>(limit, L.LIMIT_LEAST);
  const most = load<f64>(limit, L.LIMIT_MOST);
  if (after < least) after = least;
  if (after > most) after = most;
  return stateOf(after, samples, kept);
}

/** The limit, in units of 1/4096; whole calls are it divided and cut down. */
export function limitNow(index: i32): i32 {
  return i32(atomic.load<u64>(ready(index), L.LIMIT_STATE) >> 42);
}

/** The long-term RTT in ms; 0 before the first sample. */
export function limitLongRtt(index: i32): f64 {
  return longOf(atomic.load<u64>(ready(index), L.LIMIT_STATE));
}

/** Calls that were sampled and not dropped (0), or dropped (1). */
export function limitCounter(index: i32, dropped: i32): f64 {
  return f64(atomic.load<u64>(ready(index) + (dropped ? 8 : 0), L.LIMIT_SAMPLES));
}
