import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leafHash } from '../leaf.js';
import { CompactRange } from './compact-range.js';
import { emptyRoot, hashBytes, nodeHash, perfectRoot } from './node-hash.js';
import { consistencyProof, inclusionProof } from './proof.js';
import { levelOf, type NodeSource, rootAt, splitPoint } from './subtrees.js';
import * as published from './testing/published-vectors.js';
import { SlowTree } from './testing/slow-tree.js';
import { verifyConsistency, verifyInclusion } from './verify.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
const hex = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString('hex'));
const bytes = (text: string) => Buffer.from(text, 'hex');

/** Every node of a tree as the compact range names it while the leaves come. */
class Grown {
  readonly #levels: Buffer[][] = [];
  readonly range = new CompactRange((level, hash, at) => this.#add(level, hash, at));
  readonly roots = [this.range.root()];
  readonly nodes: NodeSource = (level, index) => {
    const node = this.#levels[level]?.[index];
    if (node === undefined) throw new Error(`there is no node ${index} at level ${level}`);
    return node;
  };

  constructor(entries: readonly Buffer[]) {
    for (const entry of entries) {
      const leaf = bytes(leafHash(entry));
      this.#add(0, leaf, 0);
      this.range.append(leaf, 0);
      this.roots.push(this.range.root());
    }
  }

  #add(level: number, hash: Buffer, at: number): void {
    this.#levels[level] ??= [];
    this.#levels[level].push(Buffer.from(hash.subarray(at, at + hashBytes)));
  }
}

describe('published vectors', () => {
  const entries = published.leaves.map(bytes);
  const grown = new Grown(entries);

  it('roots of sizes 0 to 8, as they grow and afterwards', () => {
    expect(hex(grown.roots)).toEqual(published.roots);
    expect(published.roots.map((_, size) => rootAt(grown.nodes, size).toString('hex'))).toEqual(
      published.roots,
    );
  });

  it('every node', () => {
    const seen = published.nodes.map((level, height) => hex(level.map((_, at) => grown.nodes(height, at))));
    expect(seen).toEqual(published.nodes);
  });

  it.each(published.inclusionProofs)('inclusion of $index in $size', ({ index, size, proof }) => {
    expect(hex(inclusionProof(grown.nodes, { index, size }))).toEqual(proof);
    const claim = {
      index,
      size,
      leafHash: bytes(published.nodes[0]![index]!),
      root: bytes(published.roots[size]!),
      proof: proof.map(bytes),
    };
    expect(verifyInclusion(claim)).toBe(true);
  });

  it.each(published.consistencyProofs)('consistency of $from and $to', ({ from, to, proof }) => {
    expect(hex(consistencyProof(grown.nodes, { from, to }))).toEqual(proof);
    const claim = {
      from,
      to,
      rootFrom: bytes(published.roots[from]!),
      rootTo: bytes(published.roots[to]!),
      proof: proof.map(bytes),
    };
    expect(verifyConsistency(claim)).toBe(true);
  });
});

describe('every tree up to 1,000 leaves, against the slow recursive one', () => {
  const sizeMax = 1000;
  const entries = Array.from({ length: sizeMax }, (_, i) => Buffer.from(`entry ${i} ${'x'.repeat(i % 50)}`));
  const slow = new SlowTree(entries);
  const grown = new Grown(entries);
  /** All indexes in a long run; otherwise the edges, and a few that differ from size to size. */
  const indexesOf = (size: number) => {
    if (long) return Array.from({ length: size }, (_, i) => i);
    const half = splitPoint(Math.max(size, 2));
    const picked = [0, 1, half - 1, half, half + 1, size - 2, size - 1, (size * 31) % size, (size * 7) % 97];
    return [...new Set(picked)].filter((index) => index >= 0 && index < size);
  };

  it('roots', () => {
    for (let size = 0; size <= sizeMax; size++) {
      expect(grown.roots[size]!.equals(slow.hash(0, size))).toBe(true);
      expect(rootAt(grown.nodes, size).equals(slow.hash(0, size))).toBe(true);
    }
  });

  it('inclusion proofs: the same, accepted, and refused for another leaf or a changed hash', () => {
    for (let size = 1; size <= sizeMax; size++) {
      for (const index of indexesOf(size)) {
        const proof = inclusionProof(grown.nodes, { index, size });
        expect(hex(proof)).toEqual(hex(slow.path(index, 0, size)));
        const claim = { index, size, leafHash: slow.hash(index, index + 1), root: slow.hash(0, size), proof };
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(size === 1);
        expect(verifyInclusion({ ...claim, leafHash: emptyRoot })).toBe(false);
        expect(verifyInclusion({ ...claim, root: emptyRoot })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, emptyRoot] })).toBe(false);
        if (proof.length > 0) expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
      }
    }
  }, 600_000);

  it('consistency proofs: the same, accepted, and refused when anything differs', () => {
    for (let to = 1; to <= sizeMax; to++) {
      for (const index of indexesOf(to)) {
        const from = index + 1;
        const proof = consistencyProof(grown.nodes, { from, to });
        expect(hex(proof)).toEqual(hex(slow.subproof(from, 0, to, true)));
        const claim = { from, to, rootFrom: slow.hash(0, from), rootTo: slow.hash(0, to), proof };
        expect(verifyConsistency(claim)).toBe(true);
        expect(verifyConsistency({ ...claim, rootTo: emptyRoot })).toBe(false);
        expect(verifyConsistency({ ...claim, rootFrom: emptyRoot })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: [...proof, emptyRoot] })).toBe(false);
        if (proof.length > 0) expect(verifyConsistency({ ...claim, proof: proof.slice(0, -1) })).toBe(false);
      }
    }
  }, 600_000);

  it('a flipped bit anywhere in a proof, a leaf or a root is refused', () => {
    const flip = (hash: Uint8Array, bit: number) => {
      const flipped = Buffer.from(hash);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      return flipped;
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: sizeMax }),
        fc.nat(),
        fc.nat(),
        fc.nat({ max: 255 }),
        (size, a, b, bit) => {
          const index = a % size;
          const proof = inclusionProof(grown.nodes, { index, size });
          const claim = { index, size, leafHash: grown.nodes(0, index), root: grown.roots[size]!, proof };
          expect(
            verifyInclusion({
              ...claim,
              proof: proof.with(b % proof.length, flip(proof[b % proof.length]!, bit)),
            }),
          ).toBe(false);
          expect(verifyInclusion({ ...claim, leafHash: flip(claim.leafHash, bit) })).toBe(false);
          const from = 1 + (a % (size - 1));
          const path = consistencyProof(grown.nodes, { from, to: size });
          const both = {
            from,
            to: size,
            rootFrom: grown.roots[from]!,
            rootTo: grown.roots[size]!,
            proof: path,
          };
          expect(verifyConsistency(both)).toBe(true);
          expect(
            verifyConsistency({
              ...both,
              proof: path.with(b % path.length, flip(path[b % path.length]!, bit)),
            }),
          ).toBe(false);
          expect(verifyConsistency({ ...both, rootFrom: flip(both.rootFrom, bit) })).toBe(false);
        },
      ),
      { numRuns: long ? 20_000 : 500 },
    );
  });

  it('a compact range that begins from perfect subtrees goes on as one that saw every leaf', () => {
    for (const size of [1, 255, 256, 257, 511, 512, 700, 999]) {
      const resumed = new CompactRange();
      for (let at = 0; at < size; ) {
        const level = levelOf(size - at);
        resumed.append(Buffer.from(grown.nodes(level, at / 2 ** level)), 0, level);
        at += 2 ** level;
      }
      expect(resumed.size).toBe(size);
      for (let i = size; i < sizeMax; i++) resumed.append(Buffer.from(grown.nodes(0, i)), 0);
      expect(resumed.root().equals(grown.range.root())).toBe(true);
    }
  });
});

describe('bounds', () => {
  const nothing: NodeSource = () => {
    throw new Error('asked for a node');
  };

  it('refuses what cannot be proven', () => {
    for (const [index, size] of [
      [0, 0],
      [1, 1],
      [-1, 3],
      [0.5, 3],
      [0, 2 ** 53],
    ] as const) {
      expect(() => inclusionProof(nothing, { index, size })).toThrow(RangeError);
    }
    for (const [from, to] of [
      [0, 3],
      [3, 2],
      [-1, 3],
      [1, 1.5],
    ] as const) {
      expect(() => consistencyProof(nothing, { from, to })).toThrow(RangeError);
    }
  });

  it('answers false to claims that make no sense, without an exception', () => {
    const hash = Buffer.alloc(hashBytes);
    const short = Buffer.alloc(31);
    expect(verifyInclusion({ index: 0, size: 0, leafHash: hash, root: hash, proof: [] })).toBe(false);
    expect(verifyInclusion({ index: -1, size: 1, leafHash: hash, root: hash, proof: [] })).toBe(false);
    expect(verifyInclusion({ index: 0, size: 2, leafHash: hash, root: hash, proof: [short] })).toBe(false);
    const claim = { from: 0, to: 5, rootFrom: emptyRoot, rootTo: hash, proof: [] };
    expect(verifyConsistency(claim)).toBe(true);
    expect(verifyConsistency({ ...claim, rootFrom: hash })).toBe(false);
    expect(verifyConsistency({ ...claim, proof: [hash] })).toBe(false);
    expect(verifyConsistency({ ...claim, from: 3 })).toBe(false);
    expect(verifyConsistency({ ...claim, from: 6 })).toBe(false);
    expect(verifyConsistency({ ...claim, from: 5, to: 5 })).toBe(false);
  });

  it('names levels exactly where logarithms round', () => {
    for (const level of [1, 30, 31, 32, 49, 52]) {
      expect(levelOf(2 ** level)).toBe(level);
      expect(levelOf(2 ** level - 1)).toBe(level - 1);
      expect(splitPoint(2 ** level)).toBe(2 ** (level - 1));
    }
  });

  it('refuses a subtree where it does not fit, children that are no hashes, runs that are no power of two', () => {
    const range = new CompactRange();
    range.append(Buffer.alloc(hashBytes), 0);
    expect(() => range.append(Buffer.alloc(hashBytes), 0, 1)).toThrow(/takes no subtree of level 1/);
    expect(() => nodeHash(Buffer.alloc(31), Buffer.alloc(32))).toThrow(RangeError);
    expect(() => perfectRoot(Buffer.alloc(96), 0, 3)).toThrow(RangeError);
    expect(() => perfectRoot(Buffer.alloc(96), 2, 2)).toThrow(RangeError);
    expect(() => perfectRoot(Buffer.alloc(96), 0, 0)).toThrow(RangeError);
  });

  it('hashes a run of 256 as the tree of 256', () => {
    const entries = Array.from({ length: 256 }, (_, i) => Buffer.from([i]));
    const run = Buffer.concat(entries.map((entry) => bytes(leafHash(entry))));
    expect(perfectRoot(run, 0, 256).equals(new SlowTree(entries).hash(0, 256))).toBe(true);
    expect(perfectRoot(run, 128, 64).equals(new SlowTree(entries).hash(128, 192))).toBe(true);
  });
});
