import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import type { InclusionProof, Receipt } from '../contracts/ledger.js';
import { Database } from '../contracts/sqlite.js';
import { openLedger } from '../ledger/ledger.js';
import { formatCheckpoint } from '../ledger/tlog/checkpoint.js';
import { readSigner } from '../ledger/tlog/identity.js';
import { signNote } from '../ledger/tlog/note.js';
import { createSigner } from '../ledger/tlog/note-key.js';
import { createCosigner } from '../ledger/witness/cosignature.js';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';

let folder: string;
let data: string;
let key: string;
let receipts: Receipt[];
let proof: InclusionProof;
/** Checkpoints of 100, 400 and 700 events. */
let notes: string[];

async function fill(into: string) {
  mkdirSync(into, { mode: 0o700 });
  const ledger = await openLedger({
    file: join(into, 'ledger.sqlite'),
    bootId: 'test',
    clock: systemClock,
    queueMax: 1000,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });
  const made = { receipts: [] as Receipt[], notes: [] as string[], key: ledger.log.verifierKey };
  for (const count of [100, 300, 300]) {
    const events = Array.from({ length: count }, (_, n) =>
      ledger.append({ type: 'system_error', module: 'kernel', data: { name: `n${n}` } }),
    );
    made.receipts.push(...(await Promise.all(events)));
    made.notes.push(await ledger.log.covering(made.receipts.length));
  }
  const inclusion = await ledger.log.inclusion({ index: 42, size: 400 });
  await ledger.close();
  return { ...made, inclusion };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-verify-'));
  data = join(folder, 'data');
  ({ receipts, notes, key, inclusion: proof } = await fill(data));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(content: unknown): string {
  const file = join(folder, `file-${files++}`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

async function run(...argv: string[]): Promise<FakeIo & { code: number }> {
  const io = new FakeIo();
  const code = await runCli(['verify', '--data', data, ...argv], io);
  return Object.assign(io, { code });
}

describe('the whole log', () => {
  it('holds: by its own key, which is shown, and by one that is given', async () => {
    const own = await run();
    expect([own.code, own.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^Checked 700 events, 2 full tiles and \d+ checkpoints of arkalia-\S+\/1\.\nSigned are the first 700 events\.\nEverything holds\.\n$/,
      ),
    ]);
    expect(own.stderr).toContain(key);
    const given = await run('--verifier', key);
    expect([given.code, given.stderr]).toEqual([0, '']);
  });

  it('says which event is the first that does not hold, and fails', async () => {
    const copy = join(folder, 'copy');
    const { key: copyKey } = await fill(copy);
    const db = new Database(join(copy, 'ledger.sqlite'));
    db.exec(`UPDATE events SET leaf = x'00' WHERE "index" IN (300, 77)`);
    db.close();
    const { code, stdout, stderr } = await run('--data', copy, '--verifier', copyKey);
    expect(code).toBe(1);
    expect(stdout).toMatch(/event 77: the entry does not have the hash[^\n]*\nevent 300: /);
    expect(stderr).toContain('first event that does not hold is 77');
  });

  it('does not hold with the key of another log', async () => {
    const other = createSigner('another/1', Buffer.alloc(32, 1)).verifierKey;
    const { code, stderr } = await run('--verifier', other);
    expect([code, stderr]).toEqual([1, expect.stringContaining('first event that does not hold is 0')]);
  });

  it('says what is wrong with a key, a folder or a file', async () => {
    expect(await run('--verifier', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--verifier: '),
    });
    expect(await run('--data', join(folder, 'nowhere'))).toMatchObject({ code: 1, stdout: '' });
    const old = join(folder, 'old');
    mkdirSync(old);
    const db = new Database(join(old, 'ledger.sqlite'));
    db.exec('PRAGMA application_id = 1095912268; PRAGMA user_version = 1; CREATE TABLE events (x)');
    db.close();
    expect(await run('--data', old)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Start the server once'),
    });
  });
});

describe('a receipt', () => {
  it('holds by the log, as it came, in an answer, and with its proof beside it', async () => {
    for (const content of [
      receipts[42],
      { receipt: receipts[42], decision: 'monitor' },
      proof,
      { ...receipts[42], proof },
    ]) {
      const { code, stdout } = await run('--receipt', fileOf(content), '--verifier', key);
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(/^Holds: event 42 with leaf hash [0-9a-f]{64} is in the first \d+ events/),
      ]);
    }
  });

  it('holds by its proof and a key alone, without the log', async () => {
    const nowhere = join(folder, 'nowhere');
    const { code, stdout } = await run('--receipt', fileOf(proof), '--verifier', key, '--data', nowhere);
    expect([code, stdout]).toEqual([0, expect.stringContaining('is in the first 400 events')]);
    expect((await run('--receipt', fileOf(receipts[42]), '--verifier', key, '--data', nowhere)).code).toBe(1);
  });

  it.each([
    ['another index', () => ({ ...receipts[42], index: 43 }), /event 43 of this log is not the one/],
    [
      'another hash',
      () => ({ ...receipts[42], leaf_hash: receipts[41]!.leaf_hash }),
      /not the one of the receipt/,
    ],
    ['an event that is not there', () => ({ ...receipts[42], index: 700 }), /no event 700; it has 700/],
    ['a proof of another event', () => ({ ...receipts[41], proof }), /proof in .* is of another event/],
    [
      'a changed proof',
      () => ({ ...proof, hashes: proof.hashes.with(2, receipts[0]!.leaf_hash) }),
      /does not lead/,
    ],
    ['a proof with a hash too few', () => ({ ...proof, hashes: proof.hashes.slice(1) }), /does not lead/],
    ['a proof for another checkpoint', () => ({ ...proof, checkpoint: notes[2] }), /does not lead/],
    [
      'a forged checkpoint',
      () => ({ ...proof, checkpoint: proof.checkpoint!.replace('\n400\n', '\n401\n') }),
      /signature .* does not hold/,
    ],
    ['no receipt', () => ({ index: 42 }), /holds no receipt/],
    ['no JSON', () => 'index 42', /is not JSON/],
  ])('does not hold with %s', async (_, content, what) => {
    for (const more of [[], ['--verifier', key]]) {
      const { code, stdout, stderr } = await run('--receipt', fileOf(content()), ...more);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(what);
    }
  });
});

describe('two checkpoints', () => {
  const both = (a: string, b: string) => run('--checkpoints', fileOf(a), fileOf(b), '--verifier', key);

  it('hold in any order, and one with itself', async () => {
    for (const [a, b, said] of [
      [0, 2, 'first 100 of 700'],
      [2, 1, 'first 400 of 700'],
      [1, 1, 'first 400 of 400'],
    ] as const) {
      const { code, stdout } = await both(notes[a]!, notes[b]!);
      expect([code, stdout]).toEqual([0, expect.stringContaining(said)]);
    }
  });

  it('do not hold when the log signed two histories, and says that the files prove it', async () => {
    const signer = (await readSigner(data))!;
    const fork = (size: number) =>
      signNote(formatCheckpoint({ origin: signer.name, size, root: Buffer.alloc(32, 1) }), [signer]);
    for (const [a, b] of [
      [fork(100), notes[2]!],
      [notes[0]!, fork(700)],
      [notes[1]!, fork(400)],
    ] as const) {
      const { code, stderr } = await both(a, b);
      expect([code, stderr]).toEqual([1, expect.stringContaining('keep the two files')]);
    }
    expect((await both(notes[0]!, fork(900))).stderr).toContain('has 700 events and a checkpoint is of 900');
    const other = signNote(formatCheckpoint({ origin: 'x/1', size: 1, root: Buffer.alloc(32) }), [signer]);
    expect((await both(notes[0]!, other)).stderr).toContain('is a checkpoint of x/1');
  });

  it('one alone is compared with the log that is here, and needs none', async () => {
    const signer = (await readSigner(data))!;
    const signed = (size: number, root = Buffer.alloc(32, 1), by = signer) =>
      fileOf(signNote(formatCheckpoint({ origin: by.name, size, root }), [by]));
    // The log was rewritten, also with its key: whoever kept a checkpoint finds it out.
    for (const more of [[], ['--verifier', key]]) {
      const forked = await run('--checkpoints', signed(400), ...more);
      expect([forked.code, forked.stdout]).toEqual([1, '']);
      expect(forked.stderr).toContain('signed another tree of 400 events than the log here has');
      expect(await run('--checkpoints', signed(701), ...more)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('has 700 events and a checkpoint is of 701'),
      });
    }
    const other = createSigner('other/1', Buffer.alloc(32, 3));
    const elsewhere = signed(9, undefined, other);
    expect(await run('--checkpoints', elsewhere, '--verifier', other.verifierKey)).toMatchObject({
      code: 0,
      stdout: 'Holds: other/1 signed the tree of its first 9 events. The log here is another one.\n',
    });
    const nowhere = join(folder, 'nowhere');
    expect(await run('--checkpoints', fileOf(notes[0]!), '--verifier', key, '--data', nowhere)).toMatchObject(
      {
        code: 0,
        stdout: expect.stringContaining('There is no log here to compare it with.'),
      },
    );
  });

  it('below the minimum index are compared where the tree still tells, and it is said where it does not', async () => {
    const pruned = join(folder, 'pruned');
    const made = await fill(pruned);
    const db = new Database(join(pruned, 'ledger.sqlite'));
    db.exec(
      'DELETE FROM events WHERE "index" < 256; UPDATE tiles SET hashes = NULL WHERE level = 0 AND number = 0; UPDATE log SET minimum = 256',
    );
    const root = db.prepare('SELECT root FROM tiles WHERE level = 0 AND number = 0').pluck().get() as Buffer;
    db.close();
    const signer = (await readSigner(pruned))!;
    const atEdge = signNote(formatCheckpoint({ origin: signer.name, size: 256, root }), [signer]);
    const of = (...files: string[]) => run('--checkpoints', ...files.map(fileOf), '--data', pruned);
    expect((await of(atEdge)).stdout).toContain('the log here has that tree');
    expect((await of(atEdge, made.notes[2]!)).code).toBe(0);
    for (const files of [[made.notes[0]!], [made.notes[0]!, made.notes[2]!]]) {
      const { code, stderr } = await of(...files);
      expect([code, stderr]).toEqual([1, expect.stringContaining('was pruned from the log')]);
    }
  });

  it('are one or two, and not asked for together with a receipt', async () => {
    expect(await run('--checkpoints', fileOf(notes[1]!), '--verifier', key)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Holds: arkalia-\S+\/1 signed the tree of its first 400 events, and the log here has that tree\.\n$/,
      ),
    });
    expect((await run('--checkpoints', fileOf(notes[0]!.replace('\n100\n', '\n101\n')))).code).toBe(1);
    expect((await run('--checkpoints', 'a', 'b', 'c')).code).toBe(2);
    expect((await run('--checkpoints', 'a', 'b', '--receipt', 'c')).code).toBe(2);
    expect((await run('--checkpoints', 'a', 'b')).stderr).toContain('a cannot be read');
  });
});

describe('cosignatures', () => {
  const witnesses = [1, 2].map((n) => createCosigner(`witness-${n}`, Buffer.alloc(32, n)));
  const keys = witnesses.map(({ verifierKey }) => verifierKey);
  const cosigned = (note: string, ...by: typeof witnesses) => {
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    return note + by.map((witness) => `${witness.cosign(text, 1_700_000_000)}\n`).join('');
  };

  it('of all the witnesses that are named must be on each checkpoint', async () => {
    const both = fileOf(cosigned(notes[0]!, ...witnesses));
    const one = fileOf(cosigned(notes[1]!, witnesses[0]!));
    const check = (files: string[], ...named: string[]) =>
      run('--checkpoints', ...files, '--verifier', key, '--witness', ...named);
    const good = await check([both], ...keys);
    expect([good.code, good.stdout]).toEqual([
      0,
      expect.stringContaining('Cosigned by witness-2 on 2023-11-14T22:13:20Z'),
    ]);
    expect((await check([both, one], keys[0]!)).code).toBe(0);
    expect(await check([both, one], ...keys)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('not signed by witness-2'),
    });
    const moved = fileOf(cosigned(notes[0]!, ...witnesses).replace('\n100\n', '\n101\n'));
    expect((await check([moved], keys[0]!)).code).toBe(1);
    // Of the log itself a cosignature says nothing: its own signature must be there.
    const bare = cosigned(notes[0]!, witnesses[0]!).split('\n').toSpliced(4, 1).join('\n');
    expect((await check([fileOf(bare)], keys[0]!)).code).toBe(1);
  });

  it('are looked for on the checkpoint of a receipt', async () => {
    const with1 = fileOf({ ...proof, checkpoint: cosigned(proof.checkpoint!, witnesses[0]!) });
    const check = (file: string, named: string) =>
      run('--receipt', file, '--verifier', key, '--witness', named);
    expect(await check(with1, keys[0]!)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Cosigned by witness-1'),
    });
    expect((await check(with1, keys[1]!)).code).toBe(1);
    expect((await check(fileOf(receipts[3]!), keys[0]!)).code).toBe(2);
  });

  it('are asked for with a file and with the key of a witness', async () => {
    expect((await run('--witness', keys[0]!)).code).toBe(2);
    expect(await run('--checkpoints', fileOf(notes[0]!), '--witness', key)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--witness: '),
    });
  });
});

describe('beside a server that writes', () => {
  let live: Awaited<ReturnType<typeof openLedger>>;
  beforeEach(async () => {
    live = await openLedger({
      file: join(data, 'ledger.sqlite'),
      bootId: 'test',
      clock: systemClock,
      queueMax: 1000,
      batchMax: 100,
      onFailure: (error) => {
        throw error;
      },
    });
  });

  it('holds, and says what is not signed yet', async () => {
    try {
      await live.append({ type: 'system_error', module: 'kernel', data: { name: 'Error' } });
      const { code, stdout } = await run('--verifier', key);
      expect([code, stdout]).toEqual([
        0,
        expect.stringContaining('the 1 behind them come with the next checkpoint'),
      ]);
      const file = fileOf({
        ...receipts[42],
        index: 700,
        leaf_hash: (await live.query({ limit: 1, order: 'desc' }))[0]?.leaf_hash,
      });
      expect((await run('--receipt', file)).stderr).toContain('no checkpoint covers it yet');
    } finally {
      await live.close();
    }
  });
});
