import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ggufFault, ggufFileFault } from './gguf.js';

const file = fileURLToPath(new URL('../../test/fixtures/models/tiny-chat.gguf', import.meta.url));
const good = readFileSync(file);

/** A file in memory that counts what is asked of it and refuses what no file has. */
function source(bytes: Buffer) {
  const asked = { reads: 0, longest: 0 };
  return {
    asked,
    bytes: bytes.length,
    read: (position: number, length: number) => {
      if (position < 0 || position > bytes.length) throw new RangeError(`read at ${position}`);
      asked.reads += 1;
      asked.longest = Math.max(asked.longest, length);
      return bytes.subarray(position, position + length);
    },
  };
}
const faultOf = (bytes: Buffer) => ggufFault(source(bytes));
const changed = (change: (bytes: Buffer) => void): Buffer => {
  const copy = Buffer.from(good);
  change(copy);
  return copy;
};

/** A small file: one entry, one tensor. */
function small(
  parts: { entry?: Buffer; tensor?: Buffer; data?: Buffer; counts?: [bigint, bigint] } = {},
): Buffer {
  const u32 = (value: number) => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return buffer;
  };
  const u64 = (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(value);
    return buffer;
  };
  const text = (value: string) => Buffer.concat([u64(BigInt(value.length)), Buffer.from(value)]);
  const [tensors, entries] = parts.counts ?? [1n, 1n];
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors),
    u64(entries),
    parts.entry ?? Buffer.concat([text('a'), u32(4), u32(1)]),
    parts.tensor ?? Buffer.concat([text('t'), u32(1), u64(8n), u32(0), u64(0n)]),
  ]);
  const padding = Buffer.alloc((32 - (head.length % 32)) % 32);
  return Buffer.concat([head, padding, parts.data ?? Buffer.alloc(32)]);
}
const le = (value: bigint, bytes: number): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(value);
  return buffer.subarray(0, bytes);
};
const named = (name: string, ...rest: Buffer[]): Buffer =>
  Buffer.concat([le(BigInt(name.length), 8), Buffer.from(name), ...rest]);

describe('a GGUF file', () => {
  it('of a real model is right, and read in windows', () => {
    expect(ggufFileFault(file)).toBeUndefined();
    const whole = source(good);
    expect(ggufFault(whole)).toBeUndefined();
    expect(whole.asked.longest).toBe(65_536);
    expect(faultOf(small())).toBeUndefined();
  });

  it.each([
    ['another beginning', changed((b) => b.write('GGML')), 'does not begin with GGUF'],
    ['version 1', changed((b) => b.writeUInt32LE(1, 4)), 'another version'],
    ['version 4', changed((b) => b.writeUInt32LE(4, 4)), 'another version'],
    ['2^64 - 1 tensors', changed((b) => b.fill(0xff, 8, 16)), 'the number of tensors'],
    ['2^63 entries', changed((b) => b.writeBigUInt64LE(1n << 63n, 16)), 'the number of entries'],
    ['one tensor too many', changed((b) => b.writeBigUInt64LE(b.readBigUInt64LE(8) + 1n, 8)), ''],
    ['a name of 2^40 bytes', changed((b) => b.writeBigUInt64LE(1n << 40n, 24)), 'the name of an entry'],
    ['nothing', Buffer.alloc(0), 'too early'],
    ['four letters', Buffer.from('GGUF'), 'too early'],
    ['a value of no type', small({ entry: named('a', le(13n, 4), le(0n, 8)) }), 'a type that is none'],
    [
      'an array of arrays',
      small({ entry: named('a', le(9n, 4), le(9n, 4), le(1n, 8)) }),
      'a type that it cannot',
    ],
    [
      'an array of 2^61 numbers, which wraps as bytes',
      small({ entry: named('a', le(9n, 4), le(10n, 4), le(1n << 61n, 8)) }),
      'an array is larger',
    ],
    [
      'a text in an array that is longer than the file',
      small({ entry: named('a', le(9n, 4), le(8n, 4), le(1n, 8), le(1n << 32n, 8)) }),
      'a text is larger',
    ],
    ['no alignment', small({ entry: named('general.alignment', le(4n, 4), le(0n, 4)) }), 'alignment'],
    [
      'five dimensions',
      small({
        tensor: named('t', le(5n, 4), ...Array.from({ length: 5 }, () => le(1n, 8)), le(0n, 4), le(0n, 8)),
      }),
      'dimensions',
    ],
    [
      'a size that wraps',
      small({
        tensor: named('t', le(2n, 4), le(1n << 33n, 8), le(1n << 33n, 8), le(0n, 4), le(0n, 8)),
      }),
      'a size that it cannot',
    ],
    [
      'a tensor of no elements',
      small({ tensor: named('t', le(1n, 4), le(0n, 8), le(0n, 4), le(0n, 8)) }),
      'a size',
    ],
    [
      'a tensor one number longer than the file',
      small({ tensor: named('t', le(1n, 4), le(9n, 8), le(0n, 4), le(0n, 8)) }),
      'behind its end',
    ],
    [
      'an offset behind the file',
      small({ tensor: named('t', le(1n, 4), le(8n, 8), le(0n, 4), le(32n, 8)) }),
      'behind its end',
    ],
    [
      'an offset that wraps',
      small({ tensor: named('t', le(1n, 4), le(8n, 8), le(0n, 4), le(0xffff_ffff_ffff_ffe0n, 8)) }),
      'behind its end',
    ],
    [
      'an offset between',
      small({ tensor: named('t', le(1n, 4), le(1n, 8), le(0n, 4), le(4n, 8)) }),
      'not aligned',
    ],
    [
      'a row that is no whole number of blocks',
      small({ tensor: named('t', le(1n, 4), le(31n, 8), le(2n, 4), le(0n, 8)) }),
      'blocks',
    ],
  ])('with %s is refused', (_what, bytes, words) => {
    expect(faultOf(bytes)).toContain(words);
  });

  it('cut anywhere is refused', () => {
    fc.assert(
      fc.property(fc.nat({ max: good.length - 33 }), (length) => {
        expect(faultOf(good.subarray(0, length))).toBeDefined();
      }),
    );
  });

  it('with any bits flipped is read to an end, within the file and in bounded steps', () => {
    const flips = fc.array(fc.tuple(fc.nat({ max: 40_000 }), fc.nat({ max: 7 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(flips, (places) => {
        const bytes = changed((b) => {
          for (const [at, bit] of places) b[at % b.length] = (b[at % b.length] as number) ^ (1 << bit);
        });
        const one = source(bytes);
        ggufFault(one);
        expect(one.asked.reads).toBeLessThan(2 + bytes.length / 32);
      }),
      { numRuns: 500 },
    );
  });

  it('of noise behind a right beginning is read to an end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), (noise) => {
        faultOf(Buffer.concat([good.subarray(0, 24), Buffer.from(noise)]));
        faultOf(Buffer.concat([Buffer.from('GGUF'), le(3n, 4), Buffer.from(noise)]));
      }),
      { numRuns: 500 },
    );
  });
});
