import { emptyRoot, hashBytes, nodeHash } from './node-hash.js';
import type { LeafPlace } from './proof.js';
import { levelOf } from './subtrees.js';

export interface InclusionClaim extends LeafPlace {
  leafHash: Uint8Array;
  root: Uint8Array;
  proof: readonly Uint8Array[];
}

/** Whether the proof shows the leaf in the tree with that root; the algorithm of RFC 9162 section 2.1.3.2. */
export function verifyInclusion({ index, size, leafHash, root, proof }: InclusionClaim): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  if (![leafHash, root, ...proof].every(isHash)) return false;
  let fn = index;
  let sn = size - 1;
  let node = leafHash;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      node = nodeHash(sibling, node);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      node = nodeHash(node, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(node, root);
}

export interface ConsistencyClaim {
  from: number;
  to: number;
  rootFrom: Uint8Array;
  rootTo: Uint8Array;
  proof: readonly Uint8Array[];
}

/**
 * Whether the proof shows that the tree of `from` leaves is the beginning of the tree of `to` leaves; the algorithm of RFC 9162 section
 * 2.1.4.2. The empty tree is the beginning of every tree, with an empty proof.
 */
export function verifyConsistency({ from, to, rootFrom, rootTo, proof }: ConsistencyClaim): boolean {
  if (!isSize(from) || !isSize(to) || from > to) return false;
  if (![rootFrom, rootTo, ...proof].every(isHash)) return false;
  if (from === to) return proof.length === 0 && equal(rootFrom, rootTo);
  if (from === 0) return proof.length === 0 && equal(rootFrom, emptyRoot);
  let fn = from - 1;
  let sn = to - 1;
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  // When the old tree is one perfect subtree, its root is where the proof begins and is not repeated in it.
  const [first, ...rest] = 2 ** levelOf(from) === from ? [rootFrom, ...proof] : proof;
  if (first === undefined) return false;
  let older = first;
  let newer = first;
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newer = nodeHash(newer, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equal(older, rootFrom) && equal(newer, rootTo);
}

const half = (n: number) => Math.floor(n / 2);
const isSize = (n: number) => Number.isSafeInteger(n) && n >= 0;
const isHash = (hash: Uint8Array) => hash.byteLength === hashBytes;
const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
