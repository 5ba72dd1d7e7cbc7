import type { ClassifierModel } from '../classifier.js';

const WORD_BYTES_MAX = 48;

/** A token of a text: its place in bytes, its hash, and whether it is a word. */
interface Token {
  from: number;
  to: number;
  hash: number;
  word: boolean;
}

const lower = (byte: number) => (byte >= 65 && byte <= 90 ? byte + 32 : byte);
const isWord = (byte: number) =>
  byte >= 128 || (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90);

function tokensOf(bytes: Uint8Array): Token[] {
  const tokens: Token[] = [];
  for (let from = 0; from < bytes.length; ) {
    const byte = bytes[from] ?? 0;
    let to = from + 1;
    if (isWord(byte)) {
      while (to < bytes.length && to - from < WORD_BYTES_MAX && isWord(bytes[to] ?? 0)) to++;
      tokens.push({ from, to, hash: fnv(bytes, from, to), word: true });
    } else if (byte > 32 && byte !== 39) {
      while (to < bytes.length && bytes[to] === byte) to++;
      tokens.push({ from, to, hash: Math.imul(byte + 1000, 0x5bd1e995) | 1, word: false });
    }
    from = to;
  }
  return tokens;
}

function fnv(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ lower(bytes[at] ?? 0), 0x01000193);
  return hash;
}

function bucketOf(hash: number, bits: number): number {
  let mixed = hash;
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  mixed ^= mixed >>> 12;
  mixed = Math.imul(mixed, 0x297a2d39);
  return mixed >>> (32 - bits);
}

/** The features of some tokens in a row, each once. `begin`: they are the beginning of a text that is one window. */
function featuresOf(
  bytes: Uint8Array,
  tokens: readonly Token[],
  { bits, begin }: { bits: number; begin: boolean },
): Set<number> {
  const features = new Set<number>();
  let last = begin ? 0x9e3779b9 | 0 : 0;
  let beforeLast = 0;
  for (const { from, to, hash, word } of tokens) {
    if (word) {
      for (const gram of gramsOf(bytes, from, to)) features.add(bucketOf(gram, bits));
      features.add(bucketOf(hash, bits));
    }
    if (last !== 0) {
      const pair = Math.imul(last ^ Math.imul(hash, 0x85ebca6b), 0xc2b2ae35);
      features.add(bucketOf(pair, bits));
      if (beforeLast !== 0) {
        features.add(bucketOf(Math.imul(pair ^ Math.imul(beforeLast, 0x27d4eb2f), 0x165667b1), bits));
        const skip = Math.imul(beforeLast ^ Math.imul(hash, 0x9e3779b1), 0x61c88647) + 7;
        features.add(bucketOf(skip | 0, bits));
      }
    }
    beforeLast = last;
    last = hash;
  }
  return features;
}

/** Hashes of the runs of 3 to 5 bytes of a word with a space at either end. */
function* gramsOf(bytes: Uint8Array, from: number, to: number): Generator<number> {
  const padded = [32, ...Array.from(bytes.subarray(from, to), lower), 32];
  for (let first = 0; first < padded.length - 2; first++) {
    let hash = 0x01234567;
    for (let length = 1; length <= 5 && first + length <= padded.length; length++) {
      hash = Math.imul(hash ^ (padded[first + length - 1] ?? 0), 0x01000193);
      if (length >= 3) yield (Math.imul(hash, 31) + length - 1) | 0;
    }
  }
}

/** A window and where it is, in bytes. */
interface Window {
  from: number;
  to: number;
  features: Set<number>;
}

/**
 * The windows of a text (UTF-8) with the features of each, as the hot core reads them. Training uses this too.
 * `window` 0: the text is one window; otherwise windows of that many tokens begin every `step` tokens.
 */
export function classifierFeatures(
  bytes: Uint8Array,
  { bits, window, step }: { bits: number; window: number; step: number },
): Window[] {
  const tokens = tokensOf(bytes);
  if (window === 0)
    return [{ from: 0, to: bytes.length, features: featuresOf(bytes, tokens, { bits, begin: true }) }];
  const windows: Window[] = [];
  for (let first = 0; first === 0 || first < tokens.length; first += step) {
    const some = tokens.slice(first, first + window);
    const following = tokens[first + window];
    windows.push({
      from: first === 0 ? 0 : (some[0]?.from ?? 0),
      to: following === undefined ? bytes.length : following.from,
      features: featuresOf(bytes, some, { bits, begin: false }),
    });
    if (following === undefined) break;
  }
  return windows;
}

/** The slow twin of the hot core's score, in plain TypeScript. */
export function referenceScore(
  model: ClassifierModel,
  head: number,
  bytes: Uint8Array,
  { window, step }: { window: number; step: number },
): { score: number; from: number; to: number } {
  const weights = model.heads[head];
  if (weights === undefined) throw new RangeError(`there is no head ${head}`);
  let best = { score: Number.NEGATIVE_INFINITY, from: 0, to: 0 };
  for (const { from, to, features } of classifierFeatures(bytes, { bits: model.bits, window, step })) {
    let sum = 0;
    for (const feature of features) sum += weights.weights[feature] ?? 0;
    const score =
      features.size === 0 ? weights.bias : (weights.scale * sum) / Math.sqrt(features.size) + weights.bias;
    if (score > best.score) best = { score, from, to };
  }
  return best;
}
