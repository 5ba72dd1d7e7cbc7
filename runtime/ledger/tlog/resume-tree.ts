import { hashBytes, perfectRoot } from '../merkle/node-hash.js';
import type { LogReader } from './log-reader.js';
import { Mismatch } from './mismatch.js';
import { type TileTree, tileBytes, tileWidth } from './tile-tree.js';

/**
 * Brings an empty tree to a size that is a multiple of 256, from the tiles alone: each partial tile of its right edge holds the roots of
 * full tiles below.
 * @throws Mismatch that names the tile that does not hold.
 */
export function resumeTree(reader: LogReader, tree: TileTree, size: number): void {
  let level = 1;
  while (tileWidth ** (level + 1) <= size) level++;
  for (; level > 0; level--) {
    const end = Math.floor(size / tileWidth ** level);
    for (let number = end - (end % tileWidth); number < end; number++) {
      tree.resume(level, tileRoot(reader, level - 1, number));
    }
  }
}

/** The root of a full tile, which its hashes must have; where they were pruned, the one that is recorded, with it or in the tile above. */
export function tileRoot(reader: LogReader, level: number, number: number): Buffer {
  const name = `the tile ${level}/${number}`;
  const at = (number % tileWidth) * hashBytes;
  const above = reader
    .stored(level + 1, Math.floor(number / tileWidth))
    ?.hashes?.subarray(at, at + hashBytes);
  const tile = reader.stored(level, number);
  const root = tile?.root ?? (level === 0 ? above : undefined);
  if (root === undefined) throw new Mismatch(`${name} is missing`);
  if (above !== undefined && !above.equals(root)) {
    throw new Mismatch(`${name} has another root than the tile above it holds`);
  }
  const hashes = tile?.hashes ?? null;
  if (hashes === null) return root;
  if (hashes.byteLength !== tileBytes) throw new Mismatch(`${name} has ${hashes.byteLength} bytes`);
  if (!perfectRoot(hashes, 0, tileWidth).equals(root)) throw new Mismatch(`${name} does not have its root`);
  return root;
}
