import { emptyRoot, nodeHash } from './node-hash.js';

/** Hash of the perfect subtree number `index` at `level`: of leaves index × 2^level to (index + 1) × 2^level. */
export type NodeSource = (level: number, index: number) => Uint8Array;

/** The largest `level` with 2^level ≤ count. Math.log2 rounds: it takes 2^49 − 1 for 2^49. */
export function levelOf(count: number): number {
  return count < 2 ** 32 ? 31 - Math.clz32(count) : 63 - Math.clz32(count / 2 ** 32);
}

/** The largest power of two below `count`: where RFC 6962 splits a tree of more than one leaf. */
export function splitPoint(count: number): number {
  return 2 ** levelOf(count - 1);
}

/**
 * Hash of leaves `begin` to `end` as one subtree of a larger tree: perfect subtrees that get smaller to the right, folded from there.
 * `begin` is a multiple of every power of two below the length, as it is wherever RFC 6962 splits.
 */
export function subtreeHash(nodes: NodeSource, begin: number, end: number): Buffer {
  const parts: Uint8Array[] = [];
  for (let at = begin; at < end; ) {
    const level = levelOf(end - at);
    const width = 2 ** level;
    if (at % width !== 0) throw new RangeError(`leaves ${begin} to ${end} are no subtree of RFC 6962`);
    parts.push(nodes(level, at / width));
    at += width;
  }
  const last = parts.pop();
  if (last === undefined) return emptyRoot;
  return Buffer.from(parts.reduceRight((right, left) => nodeHash(left, right), last));
}

/** Root of the tree of the first `size` leaves. */
export function rootAt(nodes: NodeSource, size: number): Buffer {
  return subtreeHash(nodes, 0, size);
}
