import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, FrameDecoder, gatherWrites } from './frames.js';

const header = (length: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(length, 0);
  return bytes;
};

/** Cuts bytes at the given places. */
function split(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((place, i) => bytes.subarray(place, places[i] ?? bytes.length));
}

describe('frames', () => {
  it('takes a frame of exactly the bound and refuses one byte more', () => {
    const value = 'x'.repeat(98);
    const frame = encodeFrame(value);
    // A copy: what was read is overwritten.
    expect(new FrameDecoder(100).push(Buffer.from(frame))).toEqual({ values: [value] });
    expect(new FrameDecoder(99).push(frame)).toEqual({ values: [], fault: 'too_long' });
  });

  it('refuses a claimed length on sight, whole or cut, and holds nothing for it', () => {
    const decoder = new FrameDecoder(1000);
    expect(decoder.push(header(0xffffffff).subarray(0, 3)).fault).toBeUndefined();
    expect(decoder.push(header(0xffffffff).subarray(3)).fault).toBe('too_long');
    expect(decoder.push(encodeFrame('later'))).toEqual({ values: [], fault: 'too_long' });
  });

  it('names an empty frame, broken JSON and broken UTF-8', () => {
    const fault = (body: Buffer) =>
      new FrameDecoder(100).push(Buffer.concat([header(body.length), body])).fault;
    expect(fault(Buffer.alloc(0))).toBe('not_json');
    expect(fault(Buffer.from('{'))).toBe('not_json');
    expect(fault(Buffer.from([0x22, 0xff, 0x22]))).toBe('not_utf8');
  });

  it('survives a frame of nothing but brackets', () => {
    const body = Buffer.from('['.repeat(900_000));
    expect(new FrameDecoder(1_000_000).push(Buffer.concat([header(body.length), body])).fault).toBe(
      'not_json',
    );
  });

  it('gives back the same values however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (values, cuts) => {
          const decoder = new FrameDecoder(1_000_000);
          const got = split(Buffer.concat(values.map(encodeFrame)), cuts).flatMap(
            (piece) => decoder.push(piece).values,
          );
          expect(got).toEqual(JSON.parse(JSON.stringify(values)));
        },
      ),
    );
  });

  it('says the values before a fault and none after it', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
        const decoder = new FrameDecoder(100);
        const bytes = Buffer.concat([encodeFrame('before'), header(101), encodeFrame('after')]);
        const results = split(bytes, cuts).map((piece) => decoder.push(piece));
        expect(results.flatMap((result) => result.values)).toEqual(['before']);
        expect(results.at(-1)?.fault).toBe('too_long');
      }),
    );
  });

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (pieces) => {
        const decoder = new FrameDecoder(40);
        for (const piece of pieces) decoder.push(Buffer.from(piece));
      }),
      { numRuns: 500 },
    );
  });
});

describe('gatherWrites', () => {
  it.each([
    [
      'a frame that must not wait is written at once, what follows in the same turn behind it',
      1,
      ['a', 'bc'],
    ],
    ['a frame that can wait goes with what follows', 0, ['abc']],
  ])('%s', async (_, before, expected) => {
    const writes: string[] = [];
    const pipe = new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        writes.push(chunk);
        done();
      },
      writev: (chunks, done) => {
        writes.push(chunks.map(({ chunk }) => chunk).join(''));
        done();
      },
    });
    for (const [place, text] of ['a', 'b', 'c'].entries()) {
      if (place === before) gatherWrites(pipe);
      pipe.write(text);
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(writes).toEqual(expected);
    // The next turn begins anew.
    pipe.write('d');
    expect(writes).toEqual([...expected, 'd']);
  });
});
