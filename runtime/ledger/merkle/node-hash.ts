import { hash } from 'node:crypto';

export const hashBytes = 32;

/** Domain separation of inner nodes, RFC 6962 section 2.1. */
const nodePrefix = 0x01;

/** Where the two children stand in a pair: `0x01 │ left (32) │ right (32)`. */
export const leftAt = 1;
export const rightAt = leftAt + hashBytes;

/** Root of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot: Buffer = hash('sha256', Buffer.alloc(0), 'buffer');

/** Room for the children of one node, with the prefix in place. */
export function newPair(): Buffer {
  const pair = Buffer.alloc(rightAt + hashBytes);
  pair[0] = nodePrefix;
  return pair;
}

/**
 * Writes the hash of a filled pair to `target` at `at`. The digest travels as a one-byte string: a Buffer for each node made by the
 * hash function costs twice as much (720 against 360 ns here), and there is one node for every leaf.
 */
export function writeNodeHash(pair: Buffer, target: Buffer, at: number): void {
  target.write(hash('sha256', pair, 'binary'), at, hashBytes, 'latin1');
}

const scratch = newPair();

/** RFC 6962 node hash, SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  if (left.byteLength !== hashBytes || right.byteLength !== hashBytes) {
    throw new RangeError(
      `children of a node have ${hashBytes} bytes, not ${left.byteLength} and ${right.byteLength}`,
    );
  }
  scratch.set(left, leftAt);
  scratch.set(right, rightAt);
  const node = Buffer.allocUnsafeSlow(hashBytes);
  writeNodeHash(scratch, node, 0);
  return node;
}

/**
 * Root of a perfect subtree, from its leaves' hashes one after the other in `hashes`.
 * @param count A power of two.
 */
export function perfectRoot(hashes: Buffer, first: number, count: number): Buffer {
  const begin = first * hashBytes;
  const end = begin + count * hashBytes;
  if (end > hashes.byteLength) {
    throw new RangeError(`${count} hashes from ${first} are not within ${hashes.byteLength} bytes`);
  }
  const work = Buffer.from(hashes.subarray(begin, end));
  for (let left = count; left !== 1; left /= 2) {
    if (left < 1 || left % 2 !== 0) throw new RangeError(`${count} is no power of two`);
    for (let i = 0; i < left / 2; i++) {
      work.copy(scratch, leftAt, i * 2 * hashBytes, (i + 1) * 2 * hashBytes);
      writeNodeHash(scratch, work, i * hashBytes);
    }
  }
  return work.subarray(0, hashBytes);
}
