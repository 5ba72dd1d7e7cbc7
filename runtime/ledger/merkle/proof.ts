import { type NodeSource, splitPoint, subtreeHash } from './subtrees.js';

/** Places of a leaf: `index` in a tree of `size` leaves. */
export interface LeafPlace {
  index: number;
  size: number;
}

/**
 * Proof that the leaf at `index` is in the tree of `size` leaves: the siblings on its way to the root, from the leaf upwards
 * (PATH of RFC 6962 section 2.1.1).
 * @throws RangeError unless 0 ≤ index < size.
 */
export function inclusionProof(nodes: NodeSource, { index, size }: LeafPlace): Buffer[] {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) {
    throw new RangeError(`a proof is of an index from 0 to below the size, not of ${index} in ${size}`);
  }
  const path: Buffer[] = [];
  let [begin, end] = [0, size];
  while (end - begin > 1) {
    const middle = begin + splitPoint(end - begin);
    if (index < middle) {
      path.push(subtreeHash(nodes, middle, end));
      end = middle;
    } else {
      path.push(subtreeHash(nodes, begin, middle));
      begin = middle;
    }
  }
  return path.reverse();
}

/**
 * Proof that the tree of `from` leaves is the beginning of the tree of `to` leaves (PROOF of RFC 6962 section 2.1.2). Empty for equal
 * sizes.
 * @throws RangeError unless 1 ≤ from ≤ to: about an empty tree there is nothing to prove.
 */
export function consistencyProof(nodes: NodeSource, { from, to }: { from: number; to: number }): Buffer[] {
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 1 && from <= to)) {
    throw new RangeError(`a proof is between sizes 1 ≤ from ≤ to, not from ${from} to ${to}`);
  }
  const path: Buffer[] = [];
  let [begin, end] = [0, to];
  // The old root itself is known to whoever asks; a subtree of it is not.
  let isOldRoot = true;
  while (end !== from) {
    const middle = begin + splitPoint(end - begin);
    if (from <= middle) {
      path.push(subtreeHash(nodes, middle, end));
      end = middle;
    } else {
      path.push(subtreeHash(nodes, begin, middle));
      begin = middle;
      isOldRoot = false;
    }
  }
  if (!isOldRoot) path.push(subtreeHash(nodes, begin, end));
  return path.reverse();
}
