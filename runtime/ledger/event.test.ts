import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../contracts/json.js';
import type { NewEvent } from '../contracts/ledger.js';
import { Batch, slabBytes } from './batch.js';
import { readBatch } from './batch-reader.js';
import { canonicalJson } from './canonical.js';
import { commitment } from './commitment.js';
import { encodeEvent } from './event.js';
import { leafBytesMax, leafHash, writeLeafHash } from './leaf.js';

const stamp = { bootId: 'boot-1', timeMs: 1_700_000_000_123, monotonicMs: 42, v: 3 };
const event = (more: Partial<NewEvent> = {}): NewEvent => ({
  type: 'decision_made',
  module: 'zeroia',
  data: {},
  ...more,
});

describe('encodeEvent', () => {
  it('writes the leaf as documented, byte for byte', () => {
    const { leaf } = encodeEvent(
      event({ stream: 's"1', correlationId: 'r\n1', data: { b: 1, a: [0.5] } }),
      stamp,
    );
    expect(leaf).toBe(
      '{"boot_id":"boot-1","correlation_id":"r\\n1","data":{"a":[0.5],"b":1},"module":"zeroia","monotonic_ms":42,"stream":"s\\"1","time_ms":1700000000123,"type":"decision_made","v":3}',
    );
  });

  it('writes canonical JSON whatever the event holds', () => {
    const word = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
    fc.assert(
      fc.property(
        fc.option(word, { nil: undefined }),
        fc.option(word, { nil: undefined }),
        fc.dictionary(word, fc.oneof(word, fc.integer())),
        fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/), fc.string({ unit: 'binary' }), {
          maxKeys: 4,
        }),
        (stream, correlationId, data, texts) => {
          const made = event({ data: data as JsonObject, texts });
          if (stream !== undefined) made.stream = stream;
          if (correlationId !== undefined) made.correlationId = correlationId;
          const { leaf } = encodeEvent(made, stamp);
          expect(leaf).toBe(canonicalJson(JSON.parse(leaf) as JsonObject));
        },
      ),
    );
  });

  it('commits to each text with a salt of its own, and keeps the text out of the leaf', () => {
    const secret = 'the blue heron is called Ágnes';
    const first = encodeEvent(event({ texts: { message: secret, answer: secret } }), stamp);
    const second = encodeEvent(event({ texts: { message: secret } }), stamp);
    const { texts } = JSON.parse(first.leaf) as { texts: Record<string, string> };
    expect(Object.keys(texts)).toEqual(['answer', 'message']);
    expect(first.leaf).not.toContain('heron');
    expect(texts.answer).not.toBe(texts.message);
    expect(second.leaf).not.toContain(texts.message);
    for (const text of first.texts) {
      expect(text.bytes.toString('utf8')).toBe(secret);
      expect(text.salt).toHaveLength(16);
      const byHand = createHash('sha256').update(text.salt).update(secret, 'utf8').digest('hex');
      expect(texts[text.name]).toBe(byHand);
      expect(commitment(text.salt, text.bytes)).toBe(byHand);
    }
  });

  it('never gives a salt twice', () => {
    const salts = Array.from({ length: 1000 }, () =>
      encodeEvent(event({ texts: { a: '' } }), stamp).texts[0]?.salt.toString('hex'),
    );
    expect(new Set(salts).size).toBe(1000);
  });

  it.each<[string, Partial<NewEvent>]>([
    ['a module with a space', { module: 'a b' }],
    ['a long module', { module: 'a'.repeat(129) }],
    ['an empty stream', { stream: '' }],
    ['a long stream', { stream: 'a'.repeat(257) }],
    ['a lone surrogate in the stream', { stream: '\ud800' }],
    ['a bad name of a text', { texts: { 'A b': '' } }],
    ['17 texts', { texts: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`t${i}`, ''])) }],
    ['a text that is no string', { texts: { a: 1 as unknown as string } }],
    ['NaN in the data', { data: { a: Number.NaN } }],
  ])('refuses %s', (_, more) => {
    expect(() => encodeEvent(event(more), stamp)).toThrow();
  });

  it('refuses a broken clock', () => {
    expect(() => encodeEvent(event(), { ...stamp, timeMs: Number.NaN })).toThrow(/clock/);
  });
});

describe('leafHash', () => {
  it('is the one of RFC 6962: the hash of the empty leaf is published there for tests', () => {
    // SHA-256 of the single byte 0x00, as in the test vectors of certificate-transparency-go.
    expect(leafHash(new Uint8Array())).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
    expect(() => writeLeafHash(Buffer.from([1, 2]), Buffer.alloc(32))).toThrow(RangeError);
  });
});

describe('Batch', () => {
  const columns = { type: 'decision_made', module: 'zeroia', timeMs: 1 };
  const filler = (bytes: number) => ({ leaf: 'x'.repeat(bytes), texts: [] });

  it('takes a leaf of 65,535 bytes and refuses one more, and stays as it was', () => {
    const batch = new Batch(new ArrayBuffer(slabBytes));
    batch.add(filler(leafBytesMax), columns);
    for (const leaf of ['x'.repeat(leafBytesMax + 1), '€'.repeat(21_846)]) {
      expect(() => batch.add({ leaf, texts: [] }, columns)).toThrow(/at most 65535 bytes, not 6553[68]/);
    }
    batch.add(filler(1), columns);
    const message = batch.message();
    expect(message.count).toBe(2);
    const lengths: number[] = [];
    readBatch(message, ({ prefixed }) => lengths.push(prefixed.byteLength));
    expect(lengths).toEqual([leafBytesMax + 1, 2]);
  });

  it('grows its slab and keeps every byte, texts in between', () => {
    const batch = new Batch(new ArrayBuffer(16));
    const leaves = Array.from({ length: 50 }, (_, i) => `é${i}`.repeat(i + 1));
    for (const leaf of leaves) {
      const texts = encodeEvent(event({ texts: { t: leaf } }), stamp).texts;
      batch.add(
        { leaf, texts },
        { ...columns, correlationId: 'é-1', stream: leaf, expectedVersion: leaf.length },
      );
    }
    const read: unknown[] = [];
    readBatch(batch.message(), ({ prefixed, texts, ...rest }) => {
      expect(prefixed[0]).toBe(0);
      expect(texts[0]!.salt.byteLength).toBe(16);
      const [text] = texts.map(({ name, bytes }) => [name, bytes.toString('utf8')]);
      read.push({ ...rest, leaf: prefixed.toString('utf8', 1), text });
    });
    expect(read).toEqual(
      leaves.map((leaf) => ({
        ...columns,
        correlationId: 'é-1',
        stream: leaf,
        expectedVersion: leaf.length,
        leaf,
        text: ['t', leaf],
      })),
    );
  });

  it('tells an event without stream, correlation id and texts from one with them', () => {
    const batch = new Batch(new ArrayBuffer(slabBytes));
    batch.add(filler(1), { ...columns, timeMs: 1_700_000_000_123 });
    batch.add(filler(1), { ...columns, stream: 's', correlationId: 'c' });
    const read: unknown[] = [];
    readBatch(batch.message(), ({ stream, correlationId, timeMs, texts }) =>
      read.push([stream, correlationId, timeMs, texts]),
    );
    expect(read).toEqual([
      [null, null, 1_700_000_000_123, []],
      ['s', 'c', 1, []],
    ]);
  });

  it('is full by count and by bytes', () => {
    const batch = new Batch(new ArrayBuffer(slabBytes));
    expect(batch.isFull(1, 4_194_304)).toBe(false);
    batch.add(filler(10), columns);
    expect(batch.isFull(1, 4_194_304)).toBe(true);
    expect(batch.isFull(1000, 4_194_304)).toBe(false);
    while (batch.bytes < 4_194_304) batch.add(filler(leafBytesMax), columns);
    expect(batch.isFull(1000, 4_194_304)).toBe(true);
  });
});
