import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { perfectRoot } from '../merkle/node-hash.js';
import { TileNodes } from './tile-nodes.js';

const hashes = Buffer.concat(
  Array.from({ length: 256 }, (_, n) => createHash('sha256').update(`${n}`).digest()),
);

describe('the nodes of a full tile', () => {
  it('are the roots of the runs of its hashes, at every height and place', () => {
    const nodes = new TileNodes(hashes);
    for (let height = 0; height < 8; height++) {
      const width = 2 ** height;
      for (let index = 0; index < 256 / width; index++) {
        const expected = perfectRoot(hashes, index * width, width);
        expect([height, index, nodes.at(height, index).equals(expected)]).toEqual([height, index, true]);
      }
    }
  });

  it('do not change with the bytes that they were made from', () => {
    const own = Buffer.from(hashes);
    const nodes = new TileNodes(own);
    own.fill(0);
    expect(nodes.at(7, 1).equals(perfectRoot(hashes, 128, 128))).toBe(true);
    expect(nodes.at(0, 255).equals(hashes.subarray(255 * 32))).toBe(true);
  });

  it('end below the root and at 2^(8 − height)', () => {
    const nodes = new TileNodes(hashes);
    for (const [height, index] of [
      [8, 0],
      [-1, 0],
      [7, 2],
      [0, 256],
      [3, -1],
      [0.5, 0],
      [Number.NaN, 0],
    ] as const)
      expect(() => nodes.at(height, index), `${height} ${index}`).toThrow(RangeError);
  });

  it('are of 256 hashes, not one byte more or less', () => {
    for (const bytes of [0, 8191, 8193, 32])
      expect(() => new TileNodes(Buffer.alloc(bytes))).toThrow(RangeError);
  });
});
