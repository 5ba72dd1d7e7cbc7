// A linear text classifier over hashed n-grams: characters 3 to 5 within a word and its edges, and words 1 to 3 with one that may be
// skipped. A feature counts once in a window. Weinberger and others, Feature Hashing for Large Scale Multitask Learning, ICML 2009.
//
//   UTF-8 ─▶ tokens: runs of letters, digits and bytes from 128 up (a word), or of one sign ─▶ hashes ─▶ 2^bits weights, i8
//   score = scale × (sum of the weights of the features) / √(features) + bias
//
// The sum is an integer and √ and / are IEEE's, so the score is the same to the last bit on every processor and in the TypeScript
// reference. The time is linear: a byte takes part in 15 characters' n-grams at most, a word in 4 of words.

import { expect, FAULT_RANGE, FAULT_STATE } from "./fault";
import * as L from "./layout";

/** Version of the features: a model fits one. */
export const CLASSIFIER_FEATURES: i32 = 1;

const READY: i32 = 2;
const WORD_BYTES_MAX: i32 = 48;
const FNV_START: u32 = 0x811c9dc5;
const FNV_PRIME: u32 = 0x01000193;
const GRAM_START: u32 = 0x01234567;
/** Stands for the token before the first one. */
const BEGIN: u32 = 0x9e3779b9;
/** Fewest tokens of a phrase that is a window. */
const PHRASE_TOKENS: i32 = 4;
/** Bits of the ASCII signs that are edges. */
const EDGES_LOW: u64 = 0xfc00470e00000000;
const EDGES_HIGH: u64 = 0x7800000128000000;
const EPOCH_MAX: u32 = 0xffff;

/** Takes the next free workspace: its index, or -1 when all are taken. Never given back. */
export function classifierTake(): i32 {
  while (true) {
    const taken = atomic.load<i32>(L.CLASSIFIER_TAKEN);
    if (taken >= L.WORKSPACE_COUNT) return -1;
    if (atomic.cmpxchg<i32>(L.CLASSIFIER_TAKEN, taken, taken + 1) == taken) return taken;
  }
}

/**
 * Reads the first `length` bytes of the workspace's text for {@link classifierScore}: its tokens, and the features within words.
 *
 *   token    0      4       8             12
 *            ├ hash ┼ start ┼ first gram  ┼ 1 when a phrase may begin here ┤    grams: 17 bits each, the longest bucket
 */
export function classifierRead(workspace: i32, length: i32): void {
  expect(workspace >= 0 && workspace < L.WORKSPACE_COUNT && length >= 0 && length <= L.WORKSPACE_TEXT_BYTES, FAULT_RANGE);
  const space = L.WORKSPACE_FIRST + workspace * L.WORKSPACE_BYTES;
  const text = space + L.WORKSPACE_TEXT;
  const end = text + length;
  const grams = space + L.WORKSPACE_GRAMS;
  let token = space + L.WORKSPACE_LIST;
  let gramAt = grams;
  let behindEdge: u32 = 0;
  let at = text;
  while (at < end) {
    const byte = lower(load<u8>(at));
    const start = at;
    at++;
    if (isWord(byte)) {
      let hash: u32 = (FNV_START ^ byte) * FNV_PRIME;
      const limit = min(end, start + WORD_BYTES_MAX);
      while (at < limit) {
        const code = lower(load<u8>(at));
        if (!isWord(code)) break;
        hash = (hash ^ code) * FNV_PRIME;
        at++;
      }
      addToken(token, hash, start - text, gramAt - grams, behindEdge);
      behindEdge = 0;
      gramAt = addGrams(gramAt, start, at);
      store<u32>(gramAt, bucketOf(hash));
      gramAt += 4;
    } else if (byte <= 32 || byte == 39) {
      // White space, control characters and the apostrophe part words and are no token.
      if (byte == 10) behindEdge = 1;
      continue;
    } else {
      while (at < end && load<u8>(at) == byte) at++;
      addToken(token, (byte + 1000) * 0x5bd1e995 | 1, start - text, gramAt - grams, behindEdge);
      behindEdge = u32(isEdge(byte));
    }
    token += L.TOKEN_BYTES;
  }
  addToken(token, 0, length, gramAt - grams, 0);
  store<u32>(space, length, L.WORKSPACE_LENGTH);
  store<u32>(space, (token - space - L.WORKSPACE_LIST) / L.TOKEN_BYTES, L.WORKSPACE_TOKENS);
}

// @ts-ignore: decorator
@inline
function addToken(token: i32, hash: u32, start: i32, grams: i32, behindEdge: u32): void {
  store<u32>(token, hash);
  store<u32>(token, start, 4);
  store<u32>(token, grams, 8);
  store<u32>(token, behindEdge, 12);
}

/** Adds the buckets of the runs of 3 to 5 bytes of a word with a space at either end; returns where the next one goes. */
// @ts-ignore: decorator
@inline
function addGrams(to: i32, start: i32, end: i32): i32 {
  let gramAt = to;
  for (let first = start - 1; first < end - 1; first++) {
    const head: u32 = first < start ? 32 : lower(load<u8>(first));
    let gram = ((GRAM_START ^ head) * FNV_PRIME ^ lower(load<u8>(first + 1))) * FNV_PRIME;
    const last = min(first + 4, end);
    for (let place = first + 2; place <= last; place++) {
      const code: u32 = place == end ? 32 : lower(load<u8>(place));
      gram = (gram ^ code) * FNV_PRIME;
      store<u32>(gramAt, bucketOf(gram * 31 + (place - first)));
      gramAt += 4;
    }
  }
  return gramAt;
}

/**
 * Scores the text that was read with a head of the model. With `window` 0 the text is one window. Otherwise windows begin at the
 * first token, behind an edge (a sign that ends or opens a phrase, or the end of a line) that is PHRASE_TOKENS or more behind the
 * last beginning, and `step` tokens behind it at the latest; from each beginning the text up to each edge and up to `window`
 * tokens is a window, and the highest score counts. Writes the place of that window.
 */
export function classifierScore(workspace: i32, head: i32, window: i32, step: i32): f64 {
  expect(workspace >= 0 && workspace < L.WORKSPACE_COUNT && head >= 0 && head < L.CLASSIFIER_HEADS, FAULT_RANGE);
  expect(window >= 0 && step > 0 && (window == 0 || step <= window), FAULT_RANGE);
  expect(atomic.load<i32>(L.CLASSIFIER_STATE) == READY, FAULT_STATE);
  const space = L.WORKSPACE_FIRST + workspace * L.WORKSPACE_BYTES;
  const list = space + L.WORKSPACE_LIST;
  const grams = space + L.WORKSPACE_GRAMS;
  const end = list + load<i32>(space, L.WORKSPACE_TOKENS) * L.TOKEN_BYTES;
  const most = window == 0 ? i32.MAX_VALUE : window;
  const shift = L.CLASSIFIER_BITS_MAX - load<i32>(L.CLASSIFIER_HEAD_BITS + (head << 2));
  const weights = L.CLASSIFIER_WEIGHTS + (head << L.CLASSIFIER_BITS_MAX);
  const stamps = space + L.WORKSPACE_STAMPS;
  const scale = load<f64>(L.CLASSIFIER_SCALES + (head << 3));
  const bias = load<f64>(L.CLASSIFIER_BIASES + (head << 3));
  let best = -Infinity;
  let from = list;
  while (true) {
    const epoch = nextEpoch(space);
    const start: i32 = from == list ? 0 : load<i32>(from, 4);
    let sum: i32 = 0;
    let count: i32 = 0;
    // The tokens before this one; 0 when there is none.
    let last: u32 = BEGIN;
    let beforeLast: u32 = 0;
    let tokens = 0;
    let next = end;
    let token = from;
    while (token < end) {
      if (window != 0) {
        const behindPhrase = tokens >= PHRASE_TOKENS && load<u32>(token, 12) != 0;
        if (behindPhrase) {
          const score = scoreOf(sum, count, scale, bias);
          if (score > best) {
            best = score;
            place(space, start, load<i32>(token, 4));
          }
        }
        if (next == end && (tokens == step || behindPhrase)) next = token;
      }
      if (tokens == most) break;
      tokens++;
      const hash = load<u32>(token);
      const gramEnd = grams + load<i32>(token, L.TOKEN_BYTES + 8);
      // A feature counts when it is new in this window.
      for (let gram = grams + load<i32>(token, 8); gram < gramEnd; gram += 4) {
        const bucket = load<u32>(gram) >> shift;
        if (stamp(stamps, bucket, epoch)) {
          sum += <i32>load<i8>(weights + bucket);
          count++;
        }
      }
      const pair: u32 = (last ^ (hash * 0x85ebca6b)) * 0xc2b2ae35;
      let bucket = bucketOf(pair) >> shift;
      if (stamp(stamps, bucket, epoch)) {
        sum += <i32>load<i8>(weights + bucket);
        count++;
      }
      if (beforeLast != 0) {
        bucket = bucketOf((pair ^ (beforeLast * 0x27d4eb2f)) * 0x165667b1) >> shift;
        if (stamp(stamps, bucket, epoch)) {
          sum += <i32>load<i8>(weights + bucket);
          count++;
        }
        bucket = bucketOf((beforeLast ^ (hash * 0x9e3779b1)) * 0x61c88647 + 7) >> shift;
        if (stamp(stamps, bucket, epoch)) {
          sum += <i32>load<i8>(weights + bucket);
          count++;
        }
      }
      beforeLast = last;
      last = hash;
      token += L.TOKEN_BYTES;
    }
    const score = scoreOf(sum, count, scale, bias);
    if (score > best) {
      best = score;
      // The token behind the last one stands at the end of the text.
      place(space, start, load<i32>(token, 4));
    }
    if (next >= end) break;
    from = next;
  }
  return best;
}

// @ts-ignore: decorator
@inline
function scoreOf(sum: i32, count: i32, scale: f64, bias: f64): f64 {
  return count == 0 ? bias : scale * f64(sum) / Math.sqrt(f64(count)) + bias;
}

// @ts-ignore: decorator
@inline
function place(space: i32, from: i32, to: i32): void {
  store<u32>(space, from, L.WORKSPACE_FROM);
  store<u32>(space, to, L.WORKSPACE_TO);
}

/** A sign that ends or opens a phrase: . ! ? ; : | < > " ( ) [ ] { } # * = ` ~ */
// @ts-ignore: decorator
@inline
function isEdge(byte: u32): bool {
  return (((byte < 64 ? EDGES_LOW : EDGES_HIGH) >> (byte & 63)) & 1) != 0;
}

// @ts-ignore: decorator
@inline
function lower(byte: u32): u32 {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** Of a lower-case byte. */
// @ts-ignore: decorator
@inline
function isWord(byte: u32): bool {
  return byte >= 128 || (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57);
}

/** The bucket among 2^CLASSIFIER_BITS_MAX; a smaller head drops its last bits. */
// @ts-ignore: decorator
@inline
function bucketOf(hash: u32): u32 {
  let h = hash;
  h ^= h >> 15;
  h *= 0x2c1b3c6d;
  h ^= h >> 12;
  h *= 0x297a2d39;
  return h >> (32 - L.CLASSIFIER_BITS_MAX);
}

/** Whether the bucket is new in this window. */
// @ts-ignore: decorator
@inline
function stamp(stamps: i32, bucket: u32, epoch: u32): bool {
  const at = stamps + (bucket << 1);
  if (load<u16>(at) == epoch) return false;
  store<u16>(at, epoch);
  return true;
}

/** A stamp that no bucket has. */
// @ts-ignore: decorator
@inline
function nextEpoch(space: i32): u32 {
  let epoch = load<u32>(space, L.WORKSPACE_EPOCH) + 1;
  if (epoch > EPOCH_MAX) {
    memory.fill(space + L.WORKSPACE_STAMPS, 0, 1 << (L.CLASSIFIER_BITS_MAX + 1));
    epoch = 1;
  }
  store<u32>(space, epoch, L.WORKSPACE_EPOCH);
  return epoch;
}
