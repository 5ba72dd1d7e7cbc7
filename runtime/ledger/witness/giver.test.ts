import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RateLimiter } from '../../contracts/admission.js';
import { leafHash } from '../leaf.js';
import { perfectRoot } from '../merkle/node-hash.js';
import { consistencyProof } from '../merkle/proof.js';
import { rootAt } from '../merkle/subtrees.js';
import { formatCheckpoint } from '../tlog/checkpoint.js';
import { openNote, signNote } from '../tlog/note.js';
import { createSigner, type NoteSigner, parseVerifierKey } from '../tlog/note-key.js';
import { Buckets } from './buckets.js';
import { cosignedAt, parseCosignerKey } from './cosignature.js';
import { Giver } from './giver.js';
import { formatAddCheckpoint } from './request.js';
import { WitnessFile } from './witness-file.js';

const log = createSigner('log.example/1', Buffer.alloc(32, 1));
const stranger = createSigner('log.example/1', Buffer.alloc(32, 2));
const elsewhere = createSigner('log.example/2', Buffer.alloc(32, 1));

/** A tree of 64 leaves whose bytes depend on `history` from the leaf `from` on. */
function nodes(history = 0, from = 0) {
  const hashes = Buffer.concat(
    Array.from({ length: 64 }, (_, n) =>
      Buffer.from(leafHash(Buffer.from(`${n} ${n < from ? 0 : history}`)), 'hex'),
    ),
  );
  return (level: number, index: number) => perfectRoot(hashes, index * 2 ** level, 2 ** level);
}

function checkpoint(size: number, { signer = log, tree = nodes(), extension = '' } = {}): string {
  const text = formatCheckpoint({ origin: signer.name, size, root: rootAt(tree, size) });
  return signNote(text + extension, [signer]);
}

interface Change {
  signer?: NoteSigner;
  tree?: ReturnType<typeof nodes>;
  extension?: string;
}
function request(from: number, to: number, change: Change = {}): string {
  const tree = change.tree ?? nodes();
  const proof = from === 0 || from >= to ? [] : consistencyProof(tree, { from, to });
  return formatAddCheckpoint({ oldSize: from, proof, note: checkpoint(to, change) });
}

let folder: string;
let wallMs: number;
let forks: object[];
const clock = { wallMs: () => wallMs, monotonicMs: () => 0 };
const free: RateLimiter = { take: () => ({ ok: true }) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-witness-'));
  wallMs = 1_700_000_000_999;
  forks = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

async function open(rate = free): Promise<Giver> {
  return new Giver({
    file: await WitnessFile.open(folder, 'device/witness'),
    logs: [parseVerifierKey(log.verifierKey)],
    rate,
    clock,
    onFork: (fork) => forks.push(fork),
  });
}

/** The status that HTTP gives, and what it cosigned or which size it names. */
async function ask(giver: Giver, body: string, client = 'one'): Promise<[number, unknown?]> {
  try {
    const answer = await giver.addCheckpoint(body, client);
    if ('conflict' in answer) return [409, answer.conflict];
    const note = body.slice(body.indexOf('\n\n') + 2) + answer.cosignatures;
    return [200, openNote(note, [parseCosignerKey(giver.status().key!)]).text.split('\n')[1]];
  } catch (error) {
    return [(error as { status: number }).status];
  }
}

describe('what it cosigns', () => {
  it('cosigns the first checkpoint, a later one, and the same one again', async () => {
    const giver = await open();
    expect(await ask(giver, request(0, 5))).toEqual([200, '5']);
    expect(await ask(giver, request(5, 5))).toEqual([200, '5']);
    expect(await ask(giver, request(5, 64))).toEqual([200, '64']);
    expect(giver.status()).toMatchObject({
      given: { cosigned: 3, conflict: 0, refused: 0 },
      logs: [{ origin: 'log.example/1', size: 64, time_ms: 1_700_000_000_000 }],
    });
  });

  it('cosigns an empty tree, but only with the root of one', async () => {
    const giver = await open();
    const text = formatCheckpoint({ origin: log.name, size: 0, root: Buffer.alloc(32, 1) });
    const impossible = formatAddCheckpoint({ oldSize: 0, proof: [], note: signNote(text, [log]) });
    expect(await ask(giver, impossible)).toEqual([422]);
    expect(await ask(giver, request(0, 0))).toEqual([200, '0']);
    expect(await ask(giver, request(0, 7))).toEqual([200, '7']);
  });

  it('passes over signatures of unknown keys, and cosigns extension lines with the rest', async () => {
    const giver = await open();
    const body = request(0, 5, { extension: 'more\n' });
    const [line] = signNote('x\n', [createSigner('other', Buffer.alloc(32, 3))])
      .split('\n')
      .slice(-2);
    expect(await ask(giver, `${body}${line}\n`)).toEqual([200, '5']);
  });

  it('says no earlier time than before when the wall clock goes back', async () => {
    const giver = await open();
    const time = async (body: string) => {
      const answer = await giver.addCheckpoint(body, 'one');
      return 'conflict' in answer ? undefined : cosignedAt(answer.cosignatures.trimEnd());
    };
    expect(await time(request(0, 5))).toBe(1_700_000_000);
    wallMs = 0;
    expect(await time(request(5, 6))).toBe(1_700_000_000);
    wallMs = 1_800_000_000_000;
    expect(await time(request(6, 7))).toBe(1_800_000_000);
  });
});

describe('what it refuses, and with which status', () => {
  it.each([
    ['nothing', () => '', 400],
    ['no note', () => 'old 0\n\n', 400],
    ['an old size above that of the checkpoint', () => request(9, 5), 400],
    ['a note without signatures', () => `old 0\n\n${checkpoint(5).split('\n\n')[0]}\n`, 400],
    [
      'a signed text that is no checkpoint',
      () => `old 0\n\n${signNote('log.example/1\nfive\n', [log])}`,
      400,
    ],
    ['the log of another origin', () => request(0, 5, { signer: elsewhere }), 404],
    ['another key for the same origin', () => request(0, 5, { signer: stranger }), 403],
    ['a changed size under a signature', () => request(0, 5).replace('\n5\n', '\n6\n'), 403],
    [
      'a proof where there is nothing to prove',
      () => request(0, 5).replace('old 0\n', `old 0\n${Buffer.alloc(32).toString('base64')}\n`),
      422,
    ],
  ])('%s', async (_, body, status) => {
    const giver = await open();
    expect(await ask(giver, body())).toEqual([status]);
    expect(giver.status()).toMatchObject({ given: { refused: 1 }, logs: [{ size: 0, time_ms: null }] });
    expect(await ask(giver, request(0, 5))).toEqual([200, '5']);
  });

  it('names its size when the old size is another one: smaller, larger, replayed or rolled back', async () => {
    const giver = await open();
    expect(await ask(giver, request(3, 20))).toEqual([409, 0]);
    expect(await ask(giver, request(0, 20))).toEqual([200, '20']);
    for (const body of [request(0, 20), request(0, 40), request(19, 40), request(21, 40), request(0, 7)]) {
      expect(await ask(giver, body)).toEqual([409, 20]);
    }
    expect(await ask(giver, request(20, 40))).toEqual([200, '40']);
    expect(forks).toEqual([]);
  });

  it('never cosigns a tree that does not begin with the last one', async () => {
    const giver = await open();
    await ask(giver, request(0, 20));
    const honest = request(20, 40);
    for (let at = 1; at < honest.split('\n').indexOf(''); at++) {
      const lines = honest.split('\n');
      lines[at] = Buffer.alloc(32, at).toString('base64');
      expect(await ask(giver, lines.join('\n'))).toEqual([422]);
      expect(await ask(giver, lines.toSpliced(at, 1).join('\n'))).toEqual([422]);
    }
    for (let from = 0; from < 20; from++) {
      expect(await ask(giver, request(20, 40, { tree: nodes(1, from) }))).toEqual([422]);
    }
    expect(await ask(giver, request(20, 40, { tree: nodes(1, 20) }))).toEqual([200, '40']);
  });

  it('keeps both notes of a log that shows two trees of one size', async () => {
    const giver = await open();
    await ask(giver, request(0, 20));
    const fork = { tree: nodes(1) };
    expect(await ask(giver, request(20, 20, fork))).toEqual([409, 20]);
    expect(forks).toEqual([
      { origin: 'log.example/1', cosigned: checkpoint(20), shown: checkpoint(20, fork) },
    ]);
    expect(await ask(giver, request(20, 20))).toEqual([200, '20']);
  });
});

describe('its memory', () => {
  it('is on the disk before the cosignature leaves, with mode 0600', async () => {
    const giver = await open();
    await ask(giver, request(0, 20));
    const path = join(folder, 'witness.json');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ logs: [{ size: 20 }] });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // As after a crash between the commit and the answer: another process, the same question.
    const again = await open();
    expect(again.status().key).toBe(giver.status().key);
    expect(await ask(again, request(0, 20))).toEqual([409, 20]);
    expect(await ask(again, request(20, 20))).toEqual([200, '20']);
  });

  it('gives nothing that it cannot remember, and goes on when it can again', async () => {
    const file = await WitnessFile.open(folder, 'device/witness');
    const giver = new Giver({
      file,
      logs: [parseVerifierKey(log.verifierKey)],
      rate: free,
      clock,
      onFork: () => undefined,
    });
    rmSync(folder, { recursive: true });
    expect(await ask(giver, request(0, 20))).toEqual([503]);
    expect(giver.status().logs[0]!.size).toBe(0);
    mkdirSync(folder);
    expect(await ask(giver, request(0, 20))).toEqual([200, '20']);
  });

  it('is refused when it is not what was written', async () => {
    await ask(await open(), request(0, 20));
    const path = join(folder, 'witness.json');
    const good = readFileSync(path, 'utf8');
    for (const bad of ['', '{', '[]', good.replace('"size":20', '"size":-1'), good.slice(0, -9)]) {
      writeFileSync(path, bad);
      await expect(open()).rejects.toMatchObject({ code: 'ledger_unusable' });
    }
    writeFileSync(path, good);
    expect(await ask(await open(), request(20, 21))).toEqual([200, '21']);
  });

  it('of many requests at once for one old size lets one through', async () => {
    const giver = await open();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => ask(giver, request(0, 20 + n, { tree: nodes(n + 1) }))),
    );
    expect(answers.filter(([status]) => status === 200)).toHaveLength(1);
    expect(answers.filter(([status]) => status === 409)).toHaveLength(19);
    const { size } = giver.status().logs[0]!;
    expect(answers.every(([status, held]) => (status === 409 ? held === size : held === `${size}`))).toBe(
      true,
    );
  });
});

describe('its limits', () => {
  it('lets a client show and a log advance so often only; replays take nothing from the log', async () => {
    const giver = await open(new Buckets(3));
    expect(await ask(giver, request(0, 1), 'a')).toEqual([200, '1']);
    for (let n = 0; n < 2; n++) expect(await ask(giver, request(0, 1), 'a')).toEqual([409, 1]);
    expect(await ask(giver, request(1, 2), 'a')).toEqual([429]);
    expect(await ask(giver, request(1, 2), 'b')).toEqual([200, '2']);
    expect(await ask(giver, request(2, 3), 'b')).toEqual([200, '3']);
    expect(await ask(giver, request(3, 4), 'b')).toEqual([429]);
    expect(giver.status().logs[0]!.size).toBe(3);
    // The same tree again needs no place on the disk.
    expect(await ask(giver, request(3, 3), 'c')).toEqual([200, '3']);
  });

  it('lets a bounded number wait', async () => {
    const giver = await open();
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask(giver, request(0, 5))));
    expect(answers.filter(([status]) => status === 429)).toHaveLength(8);
    expect(answers.filter(([status]) => status === 200)).toHaveLength(1);
  });
});
