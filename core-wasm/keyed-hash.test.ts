import { describe, expect, it } from 'vitest';
import { keyedHash } from './keyed-hash.js';

/** The text whose code units are the bytes 0, 1, 2, … of that length, two in each. */
function counting(bytes: number): string {
  const units = Array.from({ length: bytes / 2 }, (_, i) => 2 * i + 256 * (2 * i + 1));
  return String.fromCharCode(...units);
}

function hex(text: string, key: readonly [number, number]): string {
  const out = new Uint32Array(2);
  keyedHash(text, key, out);
  return Buffer.from(out.buffer).toString('hex');
}

describe('keyed hash', () => {
  // The vectors of the authors' reference implementation: key 00 01 … 07.
  it.each([
    [0, '218d1f59b9b83cc8'],
    [2, '064f39ef7c50eb57'],
    [4, 'd5e78a175be52ea1'],
    [6, 'ce3e91358aa2bc25'],
  ])('is HalfSipHash-2-4 of %d bytes', (bytes, expected) => {
    expect(hex(counting(bytes), [0x03020100, 0x07060504])).toBe(expected);
  });

  it('depends on the text and on the key', () => {
    const texts = ['', 'a', 'b', 'ab', 'ba', 'a\0', '\0', '\0\0', '127.0.0.1', '127.0.0.2', 'é', '\ud800'];
    const keys = [
      [0, 0],
      [1, 0],
      [0, -1],
    ] as const;
    const all = keys.flatMap((key) => texts.map((text) => hex(text, key)));
    expect(new Set(all).size).toBe(all.length);
  });
});
