import type { ClassifierModel } from '../classifier.js';

const WORD_BYTES_MAX = 48;
const PHRASE_TOKENS = 4;
const EDGES = '.!?;:|<>"()[]{}#*=`~';
/** Stands for the token before the first one. */
const BEGIN = 0x9e3779b9 | 0;

/** A token of a text, and its place in bytes. */
interface Token {
  from: number;
  to: number;
  hash: number;
  word: boolean;
  /** Whether a phrase may begin here. */
  behindEdge: boolean;
}

const lower = (byte: number) => (byte >= 65 && byte <= 90 ? byte + 32 : byte);
const isWord = (byte: number) =>
  byte >= 128 || (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90);

function tokensOf(bytes: Uint8Array): Token[] {
  const tokens: Token[] = [];
  let behindEdge = false;
  for (let from = 0; from < bytes.length; ) {
    const byte = bytes[from] ?? 0;
    let to = from + 1;
    if (isWord(byte)) {
      while (to < bytes.length && to - from < WORD_BYTES_MAX && isWord(bytes[to] ?? 0)) to++;
      tokens.push({ from, to, hash: fnv(bytes, from, to), word: true, behindEdge });
      behindEdge = false;
    } else if (byte > 32 && byte !== 39) {
      while (to < bytes.length && bytes[to] === byte) to++;
      tokens.push({ from, to, hash: Math.imul(byte + 1000, 0x5bd1e995) | 1, word: false, behindEdge });
      behindEdge = EDGES.includes(String.fromCharCode(byte));
    } else if (byte === 10) behindEdge = true;
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

/** Adds the features of a token. `last` and `beforeLast` are the hashes of those before it. */
function addFeatures(
  features: Set<number>,
  bytes: Uint8Array,
  { from, to, hash, word }: Token,
  { last, beforeLast, bits }: { last: number; beforeLast: number; bits: number },
): void {
  if (word) {
    for (const gram of gramsOf(bytes, from, to)) features.add(bucketOf(gram, bits));
    features.add(bucketOf(hash, bits));
  }
  const pair = Math.imul(last ^ Math.imul(hash, 0x85ebca6b), 0xc2b2ae35);
  features.add(bucketOf(pair, bits));
  if (beforeLast === 0) return;
  features.add(bucketOf(Math.imul(pair ^ Math.imul(beforeLast, 0x27d4eb2f), 0x165667b1), bits));
  const skip = Math.imul(beforeLast ^ Math.imul(hash, 0x9e3779b1), 0x61c88647) + 7;
  features.add(bucketOf(skip | 0, bits));
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
  features: ReadonlySet<number>;
}

/**
 * The windows of a text (UTF-8) with the features of each, as the hot core reads them: see assembly/classifier.ts. The set of
 * features grows from one window to the next, so it must be read at once. Training uses this too.
 */
export function* classifierWindows(
  bytes: Uint8Array,
  { bits, window, step }: { bits: number; window: number; step: number },
): Generator<Window> {
  const tokens = tokensOf(bytes);
  let first: number | undefined = 0;
  while (first !== undefined) {
    const features = new Set<number>();
    const from = first === 0 ? 0 : (tokens[first]?.from ?? 0);
    let next: number | undefined;
    let last = BEGIN;
    let beforeLast = 0;
    let to = bytes.length;
    for (let index: number = first; index < tokens.length; index++) {
      const token = tokens[index];
      if (token === undefined) break;
      const count: number = index - first;
      if (window !== 0) {
        const behindPhrase: boolean = token.behindEdge && count >= PHRASE_TOKENS;
        if (behindPhrase) yield { from, to: token.from, features };
        if (next === undefined && (count === step || behindPhrase)) next = index;
        if (count === window) {
          to = token.from;
          break;
        }
      }
      addFeatures(features, bytes, token, { last, beforeLast, bits });
      beforeLast = last;
      last = token.hash;
    }
    yield { from, to, features };
    first = next;
  }
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
  for (const { from, to, features } of classifierWindows(bytes, { bits: weights.bits, window, step })) {
    let sum = 0;
    for (const feature of features) sum += weights.weights[feature] ?? 0;
    const score =
      features.size === 0 ? weights.bias : (weights.scale * sum) / Math.sqrt(features.size) + weights.bias;
    if (score > best.score) best = { score, from, to };
  }
  return best;
}
