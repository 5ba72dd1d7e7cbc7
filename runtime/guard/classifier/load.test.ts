import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Core } from '../../../core-wasm/index.js';
import { createGuard } from '../guard.js';
import { loadGuardModel } from './load.js';
import { encodeModel } from './model-file.js';

const folder = mkdtempSync(join(tmpdir(), 'arkalia-weights-'));
afterAll(() => rmSync(folder, { recursive: true }));

const thresholds = { low: 4, medium: 3, high: 2, paranoid: 1, notice: 0 };
const head = { scale: 0.5, bias: -1, bits: 8, window: 0, step: 1, thresholds };
const header = {
  format: 1 as const,
  version: 'test',
  features: 1,
  document_share: 0,
  prompt: head,
  document: head,
};
const weights = (): [Int8Array, Int8Array] => [new Int8Array(256).fill(3), new Int8Array(256).fill(-3)];
const good = encodeModel(header, weights());

let files = 0;
function load(bytes: Uint8Array, sha256 = createHash('sha256').update(bytes).digest('hex')) {
  const file = join(folder, `${files++}.weights`);
  writeFileSync(file, bytes);
  return loadGuardModel({ weights_file: file, weights_sha256: sha256 });
}

describe('weights', () => {
  it('that ship have the pinned hash and fit the hot core', () => {
    const model = loadGuardModel({});
    const core = Core.create();
    createGuard({ core, model, level: 'medium' });
    expect(core.classifiers.sha256).toBe(model.core.sha256);
  });

  it('of the configuration take their place', () => {
    const model = load(good);
    expect(model.header).toEqual(header);
    expect(model.core.heads.map(({ weights: some }) => [some.length, some[0]])).toEqual([
      [256, 3],
      [256, -3],
    ]);
    const guard = createGuard({ core: Core.create(), model, level: 'low' });
    // Seven features, each 3: 0.5 × 21 / √7 − 1 is about 2.97.
    expect(guard.checkPrompt('abc', { level: 'high' }).reasons.map(({ rule }) => rule)).toEqual([
      'classifier',
    ]);
    expect(guard.checkPrompt('abc', { mode: 'document' })).toMatchObject({
      verdict: 'allow',
      threshold: expect.closeTo(0.9, 5),
      level: 'low',
    });
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    ['empty', () => new Uint8Array(0), /no file of guard weights/],
    ['of another kind', () => Buffer.from('GGUF and so on, long enough'), /no file of guard weights/],
    ['cut', () => good.subarray(0, good.length - 1), /must have \d+ bytes and has \d+/],
    ['too long', () => Buffer.concat([good, Buffer.alloc(1)]), /must have \d+ bytes and has \d+/],
    ['larger than any', () => Buffer.alloc(400_000), /more than 327\d+/],
    ['with an impossible header length', () => withLength(0xffff_ffff), /impossible length/],
    ['with a header that is cut', () => withLength(5), /no JSON/],
  ])('that are %s are refused', (_name, bytes, message) => {
    expect(() => load(bytes())).toThrow(message);
  });

  it.each([
    { ...header, format: 2 },
    { ...header, prompt: { ...head, bits: 30 } },
    { ...header, prompt: { ...head, scale: -1 } },
    { ...header, document: { ...head, thresholds: { ...thresholds, high: 9 } } },
  ])('with a header that is not as it should be are refused', (wrong) => {
    const json = Buffer.from(JSON.stringify(wrong));
    const start = Buffer.from(good.subarray(0, 12));
    start.writeUInt32LE(json.length, 8);
    const bytes = Buffer.concat([start, json, Buffer.alloc(512)]);
    expect(() => load(bytes)).toThrow(/its header is not as it should be/);
  });

  it('with another hash are refused, and so is a file that is not there', () => {
    expect(() => load(good, '0'.repeat(64))).toThrow(/its SHA-256 is [0-9a-f]{64}, not 0{64}/);
    const missing = { weights_file: join(folder, 'none'), weights_sha256: '0'.repeat(64) };
    expect(() => loadGuardModel(missing)).toThrow(/cannot be used: .*ENOENT/);
  });

  it('are not mixed up: a hot core has one model', () => {
    const core = Core.create();
    createGuard({ core, model: load(good), level: 'medium' });
    expect(() => createGuard({ core, model: loadGuardModel({}), level: 'medium' })).toThrow(/other weights/);
  });
});

function withLength(length: number): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeUInt32LE(length, 8);
  return bytes;
}
