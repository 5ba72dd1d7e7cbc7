/**
 * HalfSipHash-2-4 with 64 bits of output (J.-P. Aumasson and D. J. Bernstein, SipHash: a fast short-input PRF, 2012; the 32-bit
 * variant of the authors' reference implementation), over the UTF-16 code units of a text, low byte first. Without the key nobody
 * can choose texts that collide. Writes the low and the high word to `out`.
 */
export function keyedHash(text: string, key: readonly [number, number], out: Uint32Array): void {
  const { length } = text;
  /** Words of the message; the last one holds its length in bytes. */
  const words = (length >> 1) + 1;
  let v0 = key[0];
  let v1 = key[1] ^ 0xee;
  let v2 = 0x6c796765 ^ key[0];
  let v3 = 0x74656462 ^ key[1];
  // One loop, so that the round is written once: the words with two rounds each, then twice four rounds.
  for (let step = 0; step < words + 2; step++) {
    let word = 0;
    if (step < words - 1) word = text.charCodeAt(2 * step) | (text.charCodeAt(2 * step + 1) << 16);
    else if (step === words - 1) word = (length & 1 ? text.charCodeAt(length - 1) : 0) | (length << 25);
    else if (step === words) v2 ^= 0xee;
    else {
      out[0] = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v3 ^= word;
    for (let rounds = step < words ? 2 : 4; rounds > 0; rounds--) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  out[1] = v1 ^ v3;
}
