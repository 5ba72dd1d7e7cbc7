import { describe, expect, it } from 'vitest';
import { leafHash } from '../leaf.js';
import { hashBytes } from '../merkle/node-hash.js';
import { SlowTree } from '../merkle/testing/slow-tree.js';
import { type FullTile, TileTree, tileWidth } from './tile-tree.js';

const size = 70_000;
const entries = Array.from({ length: size }, (_, i) => Buffer.from(`entry ${i}`));
const leaves = Buffer.concat(entries.map((entry) => Buffer.from(leafHash(entry), 'hex')));
const slow = new SlowTree(entries);
const slowRoot = slow.hash(0, size);
const slice = (first: number, end: number) => leaves.subarray(first * hashBytes, end * hashBytes);

/** A tree that keeps copies of its tiles. */
function collecting(): { tree: TileTree; tiles: Map<string, FullTile> } {
  const tiles = new Map<string, FullTile>();
  const tree = new TileTree((tile) => {
    const { level, number } = tile;
    tiles.set(`${level}/${number}`, {
      level,
      number,
      hashes: Buffer.from(tile.hashes),
      root: Buffer.from(tile.root),
    });
  });
  return { tree, tiles };
}

describe('tiles of 70,000 leaves', () => {
  const { tree, tiles } = collecting();
  // Batches of uneven length, so that tiles fill at the beginning, in the middle and at the end of one.
  for (let at = 0, length = 1; at < size; at += length, length = (length * 7) % 1021) {
    tree.append(slice(at, Math.min(size, at + length)));
  }

  it('are those that C2SP tlog-tiles lists for that size, each once', () => {
    expect(tree.size).toBe(size);
    expect(tree.root().equals(slowRoot)).toBe(true);
    const expected = [...Array.from({ length: 273 }, (_, number) => `0/${number}`), '1/0'];
    expect([...tiles.keys()].sort()).toEqual(expected.sort());
  });

  it('hold MTH(D[(n × 256 + i) × 256^l : (n × 256 + i + 1) × 256^l]) at each i', () => {
    for (const { level, number, hashes, root } of tiles.values()) {
      const span = tileWidth ** level;
      const first = number * tileWidth * span;
      const made = Array.from({ length: tileWidth }, (_, i) =>
        slow.hash(first + i * span, first + (i + 1) * span),
      );
      expect(Buffer.concat(made).equals(hashes)).toBe(true);
      expect(slow.hash(first, first + tileWidth * span).equals(root)).toBe(true);
    }
  });

  it('come the same after a resumption at any full bundle', () => {
    for (const at of [256, 512, 65_280, 65_536, 65_792, 69_888]) {
      const again = collecting();
      for (const level of [2, 1]) {
        const end = Math.floor(at / tileWidth ** level);
        for (let number = end - (end % tileWidth); number < end; number++) {
          again.tree.resume(level, tiles.get(`${level - 1}/${number}`)!.root);
        }
      }
      expect(again.tree.size).toBe(at);
      again.tree.append(slice(at, size));
      expect(again.tree.root().equals(slowRoot)).toBe(true);
      for (const [name, { hashes, root }] of again.tiles) {
        const first = tiles.get(name)!;
        expect([name, hashes.equals(first.hashes), root.equals(first.root)]).toEqual([name, true, true]);
      }
      const ahead = [...tiles.values()].filter(
        ({ level, number }) => (number + 1) * tileWidth ** (level + 1) > at,
      );
      expect(again.tiles.size).toBe(ahead.length);
    }
  });

  it('are not resumed out of order', () => {
    const hash = Buffer.alloc(hashBytes);
    const begun = new TileTree(() => {});
    begun.append(hash);
    expect(() => begun.resume(1, hash)).toThrow(RangeError);
    expect(() => new TileTree(() => {}).resume(0, hash)).toThrow(RangeError);
    const full = new TileTree(() => {});
    for (let i = 0; i < 255; i++) full.resume(1, hash);
    expect(() => full.resume(1, hash)).toThrow(/not resumed at 255/);
  });
});
