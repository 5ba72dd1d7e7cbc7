import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromBase64, fromHex, toHex, utf8 } from './bytes.js';
import { browserCrypto, bundledCrypto, type Crypto } from './crypto.js';
import { rootOf } from './merkle.js';
import { parseCheckpoint, parseVerifierKey } from './note.js';
import { type Evidence, pin, type Verification, verifyCheckpoint, verifyReceipt } from './verify.js';

const sha = (...parts: Uint8Array[]) =>
  new Uint8Array(
    createHash('sha256')
      .update(concat(...parts))
      .digest(),
  );
const leafOf = (entry: Uint8Array) => sha(Uint8Array.of(0), entry);
const nodeOf = (left: Uint8Array, right: Uint8Array) => sha(Uint8Array.of(1), left, right);

/** RFC 6962 as it is written there: slow and plain, the twin that ours is held against. */
function treeRoot(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!;
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return nodeOf(treeRoot(leaves.slice(0, split)), treeRoot(leaves.slice(split)));
}
function treePath(leaves: Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length === 1) return [];
  const split = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return index < split
    ? [...treePath(leaves.slice(0, split), index), treeRoot(leaves.slice(split))]
    : [...treePath(leaves.slice(split), index - split), treeRoot(leaves.slice(0, split))];
}

/** A small log of its own key, as an appliance serves it. */
class Log {
  readonly entries: Uint8Array<ArrayBuffer>[] = [];
  readonly #key = generateKeyPairSync('ed25519');
  readonly #typed: Uint8Array<ArrayBuffer>;
  origin = 'device-1/1';

  constructor(size: number, key?: Log) {
    if (key !== undefined) this.#key = key.#key;
    const raw = this.#key.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    this.#typed = concat(Uint8Array.of(1), raw);
    for (let i = 0; i < size; i++) {
      this.entries.push(
        utf8(JSON.stringify({ data: { engine: `e${i}`, answer_chars: i }, type: 'chat_answered' })),
      );
    }
  }

  get leaves() {
    return this.entries.map(leafOf);
  }
  get keyId() {
    return sha(utf8(`${this.origin}\n`), this.#typed).slice(0, 4);
  }
  get verifierKey() {
    return `${this.origin}+${toHex(this.keyId)}+${Buffer.from(this.#typed).toString('base64')}`;
  }

  checkpoint(): string {
    const text = `${this.origin}\n${this.entries.length}\n${Buffer.from(treeRoot(this.leaves)).toString('base64')}\n`;
    const signature = concat(this.keyId, sign(null, utf8(text), this.#key.privateKey));
    return `${text}\n— ${this.origin} ${Buffer.from(signature).toString('base64')}\n`;
  }

  receipt(index: number) {
    return { recorded: 'durable', index, leaf_hash: toHex(this.leaves[index]!) };
  }

  evidence(change: Partial<Evidence> = {}): Evidence {
    return {
      entry: async (index) => this.entries[index] ?? null,
      inclusion: async (index) => ({
        size: this.entries.length,
        hashes: treePath(this.leaves, index).map(toHex),
        checkpoint: this.checkpoint(),
      }),
      verifierKey: async () => this.verifierKey,
      ...change,
    };
  }
}

function pins(): Pick<Storage, 'getItem' | 'setItem'> {
  const kept = new Map<string, string>();
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value) };
}

const failed = ({ steps }: Verification) =>
  steps.filter(({ state }) => state === 'failed').map(({ name }) => name);
const both: [string, Crypto][] = [
  ['bundled', bundledCrypto],
  ['browser', browserCrypto(globalThis.crypto.subtle)],
];

describe.each(both)('a receipt, with the %s cryptography', (_, crypto) => {
  const verify = (log: Log, index: number, change: Partial<Evidence> = {}, shown = {}) =>
    verifyReceipt(log.receipt(index), {
      crypto,
      evidence: log.evidence(change),
      pins: pins(),
      nowMs: 7,
      shown,
    });

  test('holds, and shows every step', async () => {
    const log = new Log(11);
    const verification = await verify(log, 4, {}, { engine: 'e4', answer_chars: 4 });
    expect(verification.ok).toBe(true);
    expect(verification.steps.map(({ name }) => name)).toEqual([
      'receipt',
      'entry',
      'leaf',
      'content',
      'root',
      'checkpoint',
      'key',
      'signature',
    ]);
    expect(verification.trust).toEqual({ how: 'first_use', key: log.verifierKey });
  });

  test('any index of any size leads to the root', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.nat(), async (size, at) => {
        const log = new Log(size);
        expect((await verify(log, at % size)).ok).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  test('a tampered entry, proof, checkpoint or signature fails at its step', async () => {
    const log = new Log(9);
    const whole = await log.evidence().inclusion(3);
    const changed = (await log.evidence().entry(3))!.slice();
    changed[changed.length - 5]! ^= 1;
    const forged = new Log(9);
    const cases: [string, Partial<Evidence>][] = [
      ['leaf', { entry: async () => changed }],
      ['leaf', { entry: async () => new Uint8Array() }],
      ['root', { inclusion: async () => ({ ...whole, hashes: whole.hashes.slice(1) }) }],
      ['root', { inclusion: async () => ({ ...whole, hashes: ['zz', ...whole.hashes.slice(1)] }) }],
      [
        'checkpoint',
        { inclusion: async () => ({ ...whole, hashes: [...whole.hashes.slice(0, -1), '0'.repeat(64)] }) },
      ],
      ['checkpoint', { inclusion: async () => ({ ...whole, checkpoint: 'nothing' }) }],
      ['checkpoint', { inclusion: async () => ({ size: whole.size, hashes: whole.hashes }) }],
      ['signature', { inclusion: async () => forged.evidence().inclusion(3) }],
      ['key', { verifierKey: async () => log.verifierKey.replace(/\+[0-9a-f]{8}\+/, '+00000000+') }],
    ];
    for (const [step, change] of cases) {
      const verification = await verify(log, 3, change);
      expect([step, verification.ok, failed(verification)]).toEqual([step, false, [step]]);
    }
  });

  test('a receipt with another hash, or of another shape, fails', async () => {
    const log = new Log(5);
    const options = { crypto, evidence: log.evidence(), pins: pins(), nowMs: 1 };
    const other = await verifyReceipt({ index: 2, leaf_hash: log.receipt(3).leaf_hash }, options);
    expect(failed(other)).toEqual(['leaf']);
    for (const receipt of [
      { index: -1, leaf_hash: 'a'.repeat(64) },
      { index: 1, leaf_hash: 'A'.repeat(64) },
      { index: 1.5, leaf_hash: '' },
    ])
      expect(failed(await verifyReceipt(receipt, options))).toEqual(['receipt']);
  });

  test('an answer that the page shows otherwise than it was recorded fails', async () => {
    const verification = await verify(new Log(5), 2, {}, { engine: 'e2', answer_chars: 3 });
    expect(failed(verification)).toEqual(['content']);
  });

  test('what was pruned is still proven by its hash', async () => {
    const verification = await verify(new Log(5), 2, { entry: async () => null });
    expect(verification.ok).toBe(true);
    expect(verification.steps[1]).toMatchObject({ name: 'entry', state: 'skipped' });
  });
});

describe('trust in a key', () => {
  const crypto = bundledCrypto;
  const check = (log: Log, store = pins()) =>
    verifyReceipt(log.receipt(0), { crypto, evidence: log.evidence(), pins: store, nowMs: 5 });

  test('is set at first use, and then asked of every later one', async () => {
    const log = new Log(3);
    const store = pins();
    expect((await check(log, store)).trust?.how).toBe('first_use');
    expect((await check(log, store)).trust).toEqual({ how: 'pinned', key: log.verifierKey, since_ms: 5 });
    const stranger = new Log(3);
    const refused = await check(stranger, store);
    expect([refused.ok, failed(refused), refused.trust?.how]).toEqual([false, ['key'], 'changed']);
    pin(store, { key: stranger.verifierKey, since_ms: 9 });
    expect((await check(stranger, store)).ok).toBe(true);
  });

  test('is not set by a receipt that does not hold', async () => {
    const log = new Log(3);
    const store = pins();
    const { verifierKey, entry } = log.evidence();
    const forged = { verifierKey, entry, inclusion: () => new Log(3).evidence().inclusion(0) };
    await verifyReceipt(log.receipt(0), { crypto, evidence: forged, pins: store, nowMs: 5 });
    expect(store.getItem('arkalia.verifier')).toBe(null);
  });

  test('goes on into a new epoch of the same key, not to another device', async () => {
    const log = new Log(3);
    const store = pins();
    await check(log, store);
    const next = new Log(4, log);
    next.origin = 'device-1/2';
    expect((await check(next, store)).trust?.how).toBe('new_epoch');
    const elsewhere = new Log(4, log);
    elsewhere.origin = 'device-2/3';
    expect((await check(elsewhere, store)).trust?.how).toBe('changed');
  });

  test('a pasted checkpoint is held against the key', async () => {
    const log = new Log(6);
    const options = { crypto, evidence: log.evidence(), pins: pins(), nowMs: 1 };
    expect((await verifyCheckpoint(log.checkpoint(), options)).ok).toBe(true);
    expect((await verifyCheckpoint(new Log(6).checkpoint(), options)).ok).toBe(false);
    expect((await verifyCheckpoint('', options)).ok).toBe(false);
    expect((await verifyCheckpoint(log.checkpoint().replace('\n6\n', '\n7\n'), options)).ok).toBe(false);
  });
});

describe('parts', () => {
  test('a proof of another length than the place asks for is none', async () => {
    const leaf = new Uint8Array(32);
    for (const [index, size, proof] of [
      [0, 1, [leaf]],
      [0, 2, []],
      [2, 2, [leaf]],
      [-1, 2, [leaf]],
      [0, 2, [leaf.slice(1)]],
    ] as const)
      expect(await rootOf(bundledCrypto, { index, size, leaf, proof })).toBe(null);
  });

  test('keys and checkpoints of another form are none, and no text makes them throw', async () => {
    const log = new Log(2);
    expect((await parseVerifierKey(bundledCrypto, log.verifierKey))?.name).toBe('device-1/1');
    expect(parseCheckpoint(log.checkpoint())?.size).toBe(2);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
        expect(parseCheckpoint(text)).toBe(null);
        expect(await parseVerifierKey(bundledCrypto, text)).toBe(null);
      }),
    );
    for (const note of ['\n\n', 'a\n1\nAA==\n\n— a AAAA\n', `${log.checkpoint()}x`])
      expect(parseCheckpoint(note)).toBe(null);
  });

  test('hex and base64 are read strictly', () => {
    expect(fromHex('00ff')).toEqual(Uint8Array.of(0, 255));
    for (const text of ['0', 'FF', 'zz', ' 00']) expect(fromHex(text)).toBe(null);
    expect(fromBase64('AAE=')).toEqual(Uint8Array.of(0, 1));
    for (const text of ['AAF=', 'AA', 'A-E=', '====']) expect(fromBase64(text)).toBe(null);
  });

  test('a signature of a wrong key, text or length does not hold, in both cryptographies', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    const text = utf8('text');
    const good = new Uint8Array(sign(null, text, privateKey));
    for (const [, crypto] of both) {
      expect(await crypto.ed25519(good, text, key)).toBe(true);
      expect(await crypto.ed25519(good, utf8('texT'), key)).toBe(false);
      expect(await crypto.ed25519(good.slice(1), text, key)).toBe(false);
      expect(await crypto.ed25519(new Uint8Array(64).fill(255), text, key)).toBe(false);
      expect(await crypto.ed25519(good, text, new Uint8Array(32).fill(255))).toBe(false);
    }
  });
});
