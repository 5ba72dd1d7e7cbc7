import type { Bytes } from './bytes.js';
import { type Crypto, nodeHash } from './crypto.js';

export interface InclusionClaim {
  index: number;
  size: number;
  leaf: Bytes;
  proof: readonly Bytes[];
}

/**
 * The root that the proof leads to; null when it has not the length that the place asks for. RFC 9162 section 2.1.3.2. It never trusts a
 * root that it was given.
 */
export async function rootOf(
  crypto: Crypto,
  { index, size, leaf, proof }: InclusionClaim,
): Promise<Bytes | null> {
  const places = [index, size].every((n) => Number.isSafeInteger(n) && n >= 0);
  if (!places || index >= size || ![leaf, ...proof].every(({ length }) => length === 32)) return null;
  let fn = index;
  let sn = size - 1;
  let node = leaf;
  for (const sibling of proof) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      node = await nodeHash(crypto, sibling, node);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      node = await nodeHash(crypto, node, sibling);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 ? node : null;
}
