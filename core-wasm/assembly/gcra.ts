// A rate limit for each client: the generic cell rate algorithm as virtual scheduling (ITU-T I.371, annex A). A bucket is one
// time, the theoretical arrival time: when the bucket will be full again. Time is counted in units of 1/tokens ms, so that with
// whole milliseconds everything is exact.
//
// Clients are found by a keyed 64-bit hash, 1024 sets of 8 ways:
//
//   low   31          16 15     10 9       0        key    63                                16 15        0
//         ├ tag, low 16 ┼ not used ┼ set ──┤               ├ tag: high 32, low 16 of the hash ┼ version ──┤
//
//   set   ├ claim ┼ … ┼ key 0 … key 7 ┼ time 0 … time 7 ┤  claim  63                          4 3        0
//                                                                 ├ version of the newest key ─┼ way + 1 ─┤
//
// A take is one compare-and-swap of the time. A new client gets the way whose time is furthest in the past, and **inherits that
// time**. If it is past, that is a full bucket and nobody loses anything. If all eight are in debt, the newcomer begins with the
// least debt of the set: so no number of identities, and no race, gets more out of a set than eight buckets give. A take counts
// only if the way is still its client's afterwards; else the token is left to the successor and the client looks for a new way.
// The choice goes by times read a moment before: a client that takes in that very moment may still have to make room.
//
// A key stands in one way at most. Whoever brings a new one claims a way, in a word that counts versions; a key carries the
// version that it came with. While a claim stands, whoever finds it may put its own new key there, the first one wins, and no key
// of the set changes but that one: so a thread that stops in between blocks no one, and two that bring the same client at once
// cannot both succeed.

import { TIME_MAX_MS } from "./breaker-time";
import { expect, FAULT_CONTENTION, FAULT_RANGE, FAULT_STATE } from "./fault";
import * as L from "./layout";

export const LIMITER_TOKENS_MAX: i32 = 10000000;
export const LIMITER_INTERVAL_MS_MAX: i32 = 86400000;
export const LIMITER_BURST_MAX: i32 = 10000000;

const VERSION: u64 = 0xffff;
const TRIES_MAX: i32 = 10000000;

// @ts-ignore: decorator
@inline
function at(index: i32): i32 {
  expect(index >= 0 && index < L.LIMITER_COUNT, FAULT_RANGE);
  return L.LIMITER_FIRST + index * L.LIMITER_BYTES;
}

// @ts-ignore: decorator
@inline
function ready(index: i32): i32 {
  const limiter = at(index);
  expect(atomic.load<i32>(limiter, L.LIMITER_READY) == 1, FAULT_STATE);
  return limiter;
}

// @ts-ignore: decorator
@inline
function count(limiter: i32, counter: i32): void {
  atomic.add<u64>(limiter + (counter << 3), 1, L.LIMITER_COUNTERS);
}

/** Takes the next free limiter: its index, or -1 when all are taken. Never given back. */
export function limiterOpen(): i32 {
  while (true) {
    const taken = atomic.load<i32>(L.LIMITERS_TAKEN);
    if (taken >= L.LIMITER_COUNT) return -1;
    if (atomic.cmpxchg<i32>(L.LIMITERS_TAKEN, taken, taken + 1) == taken) return taken;
  }
}

/** Sets a limiter just taken, once: `tokens` come back in `intervalMs` (best without a common divisor), `burst` are in a bucket. */
export function limiterConfigure(index: i32, tokens: i32, intervalMs: i32, burst: i32): void {
  const limiter = at(index);
  expect(atomic.load<i32>(limiter, L.LIMITER_READY) == 0, FAULT_STATE);
  expect(tokens >= 1 && tokens <= LIMITER_TOKENS_MAX && burst >= 1 && burst <= LIMITER_BURST_MAX, FAULT_RANGE);
  expect(intervalMs >= 1 && intervalMs <= LIMITER_INTERVAL_MS_MAX, FAULT_RANGE);
  store<u64>(limiter, u64(tokens), L.LIMITER_TOKENS);
  store<u64>(limiter, u64(intervalMs), L.LIMITER_INTERVAL);
  store<u64>(limiter, u64(burst - 1) * u64(intervalMs), L.LIMITER_AHEAD);
  atomic.store<i32>(limiter, 1, L.LIMITER_READY);
}

/** Takes a token of the client with that hash: 0 when there was one, else the whole ms (at least 1) until there is. */
export function limiterTake(index: i32, low: u32, high: u32, nowMs: f64): f64 {
  const limiter = ready(index);
  expect(nowMs >= 0 && nowMs < TIME_MAX_MS, FAULT_RANGE);
  const tag = (u64(high) << 32) | u64(low & 0xffff0000);
  // No tag is 0: that is an empty way.
  expect(tag != 0, FAULT_RANGE);
  const set = limiter + L.LIMITER_SETS + i32(low & (L.LIMITER_SET_COUNT - 1)) * L.LIMITER_SET_BYTES;
  const tokens = load<u64>(limiter, L.LIMITER_TOKENS);
  const now = u64(nowMs * f64(tokens));
  const interval = load<u64>(limiter, L.LIMITER_INTERVAL);
  const ahead = load<u64>(limiter, L.LIMITER_AHEAD);
  let way = find(set, tag);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (way < 0) way = insert(limiter, set, tag, now);
    const bucket = set + (way << 3);
    const seen = atomic.load<u64>(bucket, L.SET_TIMES);
    const full = seen > now ? seen : now;
    if (full - now > ahead) {
      count(limiter, L.LIMITER_REFUSED);
      return f64((full - now - ahead + tokens - 1) / tokens);
    }
    if (atomic.cmpxchg<u64>(bucket, seen, full + interval, L.SET_TIMES) != seen) continue;
    if ((atomic.load<u64>(bucket, L.SET_KEYS) & ~VERSION) == tag) return 0;
    way = -1;
  }
  expect(false, FAULT_CONTENTION);
  return 1;
}

/** The way of a client, or -1. */
function find(set: i32, tag: u64): i32 {
  for (let way = 0; way < L.LIMITER_WAYS; way++) {
    if ((atomic.load<u64>(set + (way << 3), L.SET_KEYS) & ~VERSION) == tag) return way;
  }
  return -1;
}

/** The first way without a client, else the way whose time is furthest in the past; the first one of several. */
function oldest(set: i32): i32 {
  let found = 0;
  let time = u64.MAX_VALUE;
  for (let way = 0; way < L.LIMITER_WAYS; way++) {
    if (atomic.load<u64>(set + (way << 3), L.SET_KEYS) == 0) return way;
    const seen = atomic.load<u64>(set + (way << 3), L.SET_TIMES);
    if (seen < time) {
      time = seen;
      found = way;
    }
  }
  return found;
}

/** Gives a client that was not found a way; the one that another thread gave it meanwhile, if there is one. */
function insert(limiter: i32, set: i32, tag: u64, now: u64): i32 {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    let claim = atomic.load<u64>(set, L.SET_CLAIM);
    // After the claim was read: as long as it stands, no key changes but the claimed one.
    const found = find(set, tag);
    if (found >= 0) return found;
    let way = i32(claim & 15) - 1;
    let key: u64;
    if (way < 0) {
      way = oldest(set);
      key = atomic.load<u64>(set + (way << 3), L.SET_KEYS);
      const mine = (((claim >> 4) + 1) << 4) | u64(way + 1);
      if (atomic.cmpxchg<u64>(set, claim, mine, L.SET_CLAIM) != claim) continue;
      claim = mine;
    } else {
      key = atomic.load<u64>(set + (way << 3), L.SET_KEYS);
      if (atomic.load<u64>(set, L.SET_CLAIM) != claim) continue;
    }
    const version = (claim >> 4) & VERSION;
    if ((key & VERSION) != version) {
      const indebted = atomic.load<u64>(set + (way << 3), L.SET_TIMES) > now;
      if (atomic.cmpxchg<u64>(set + (way << 3), key, tag | version, L.SET_KEYS) == key && key != 0) {
        count(limiter, indebted ? L.LIMITER_EVICTED_IN_DEBT : L.LIMITER_EVICTED);
      }
    }
    // The claim is settled, by this thread or another.
    atomic.cmpxchg<u64>(set, claim, claim & ~u64(15), L.SET_CLAIM);
  }
  expect(false, FAULT_CONTENTION);
  return 0;
}

/** One of LIMITER_REFUSED, LIMITER_EVICTED and LIMITER_EVICTED_IN_DEBT, since the memory was made. */
export function limiterCounter(index: i32, counter: i32): f64 {
  expect(counter >= 0 && counter <= L.LIMITER_EVICTED_IN_DEBT, FAULT_RANGE);
  return f64(atomic.load<u64>(ready(index) + (counter << 3), L.LIMITER_COUNTERS));
}
