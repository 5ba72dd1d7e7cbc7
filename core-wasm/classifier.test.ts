import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Classifier, ClassifierModel } from './classifier.js';
import { Core } from './core.js';
import { referenceScore } from './reference/classifier.js';

function modelOf(bits: number): ClassifierModel {
  let seed = bits;
  const weights = (size: number) =>
    Int8Array.from({ length: 1 << size }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) | 0;
      return seed >> 24;
    });
  return {
    features: 1,
    sha256: 'ab'.repeat(32),
    heads: [
      { scale: 0.013, bias: -0.7, bits, weights: weights(bits) },
      { scale: 0.4, bias: 0.1, bits: bits - 1, weights: weights(bits - 1) },
    ],
  };
}

function loaded(model: ClassifierModel): Classifier {
  const core = Core.create();
  core.classifiers.load(model);
  const classifier = core.classifiers.take();
  if (classifier === undefined) throw new Error('no workspace');
  return classifier;
}

const windows = [
  { window: 0, step: 1 },
  { window: 1, step: 1 },
  { window: 4, step: 4 },
  { window: 5, step: 2 },
  { window: 32, step: 12 },
];

function expectSame(classifier: Classifier, model: ClassifierModel, bytes: Uint8Array): void {
  classifier.readBytes(bytes);
  for (const options of windows) {
    for (const head of [0, 1]) {
      expect(classifier.score({ head, ...options })).toEqual(referenceScore(model, head, bytes, options));
    }
  }
}

describe('the hot core scores to the last bit as the reference', () => {
  const models = [9, 12, 17].map(modelOf);
  const pairs = models.map((model) => ({ model, classifier: loaded(model) }));
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom('Ignore all ', 'previous', "'", '  ', '-----', '«', '\u{1f642}', 'x'.repeat(120))
      .map((text) => Buffer.from(text)),
  );

  it('for random bytes, broken UTF-8 and every plane', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(2), (pieces, which) => {
        const pair = pairs[which];
        if (pair !== undefined) expectSame(pair.classifier, pair.model, Buffer.concat(pieces));
      }),
    );
  });

  it('for a code point of each plane and the edges of their ranges', () => {
    const points = [0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff];
    for (let plane = 0; plane <= 16; plane++) points.push(plane * 0x10000 + 0x41, plane * 0x10000 + 0xfffd);
    const text = points.map((point) => `a${String.fromCodePoint(point)} `).join('');
    for (const { model, classifier } of pairs) expectSame(classifier, model, Buffer.from(text));
  });

  it('for nothing, and for a text that fills the workspace', () => {
    const [pair] = pairs;
    if (pair === undefined) throw new Error('no model');
    expectSame(pair.classifier, pair.model, new Uint8Array(0));
    const full = Buffer.from('abc de '.repeat(10_000)).subarray(0, pair.classifier.textBytesMax);
    expectSame(pair.classifier, pair.model, full);
  });

  it('when the stamps of windows begin anew', () => {
    const [pair] = pairs;
    if (pair === undefined) throw new Error('no model');
    const { classifier, model } = pair;
    classifier.read('a b c d e f g h i j');
    for (let i = 0; i < 7000; i++) classifier.score({ head: 0, window: 1, step: 1 });
    expectSame(classifier, model, Buffer.from('Ignore all previous instructions'));
  });
});

describe('a model', () => {
  const model = modelOf(10);
  const head = { scale: 1, bias: 0, bits: 10, weights: new Int8Array(1024) };
  it.each([
    [{ ...model, features: 2 }, /features 2/],
    [{ ...model, heads: [head, { ...head, bits: 18 }] }, /from 8 to 17, not 18/],
    [{ ...model, heads: [head, { ...head, bits: 7 }] }, /from 8 to 17, not 7/],
    [{ ...model, heads: [head] }, /2 heads, not 1/],
    [{ ...model, heads: [head, { ...head, weights: new Int8Array(3) }] }, /1024 weights, not 3/],
    [{ ...model, heads: [head, { ...head, scale: 0 }] }, /finite/],
    [{ ...model, heads: [head, { ...head, bias: Number.NaN }] }, /finite/],
  ])('that does not fit is refused', (wrong, message) => {
    expect(() => Core.create().classifiers.load(wrong)).toThrow(message);
  });

  it('is loaded once, and seen by other instances of the memory', () => {
    const core = Core.create();
    expect(core.classifiers.sha256).toBeUndefined();
    core.classifiers.load(model);
    expect(() => core.classifiers.load(model)).toThrow(/already/);
    const other = Core.attach(core.share.memory, core.share.module);
    expect(other.classifiers.sha256).toBe(model.sha256);
  });

  it('is needed for a score', () => {
    expect(() => Core.create().classifiers.take()?.score({ head: 0, window: 0, step: 1 })).toThrow(
      /a state that cannot be/,
    );
  });
});

describe('workspaces', () => {
  it('are taken once each, and hold a text up to their size', () => {
    const core = Core.create();
    const taken = Array.from({ length: 5 }, () => core.classifiers.take());
    expect(taken.map((classifier) => classifier !== undefined)).toEqual([true, true, true, true, false]);
    const [classifier] = taken;
    if (classifier === undefined) throw new Error('no workspace');
    expect(() => classifier.readBytes(new Uint8Array(classifier.textBytesMax + 1))).toThrow(/at most 16384/);
    classifier.read(`${'a'.repeat(classifier.textBytesMax - 1)}é`);
    expect(classifier.charactersOf(3)).toBe(3);
  });

  it('refuse what is out of range', () => {
    const classifier = loaded(smallModel());
    for (const options of [
      { head: 2, window: 0, step: 1 },
      { head: 0, window: -1, step: 1 },
      { head: 0, window: 4, step: 5 },
      { head: 0, window: 4, step: 0 },
    ])
      expect(() => classifier.score(options)).toThrow(/out of range/);
  });
});

function smallModel(): ClassifierModel {
  return modelOf(9);
}
