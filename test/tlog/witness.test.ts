import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leafHash } from '../../runtime/ledger/leaf.js';
import { perfectRoot } from '../../runtime/ledger/merkle/node-hash.js';
import { consistencyProof } from '../../runtime/ledger/merkle/proof.js';
import { rootAt } from '../../runtime/ledger/merkle/subtrees.js';
import { formatCheckpoint } from '../../runtime/ledger/tlog/checkpoint.js';
import { openNote, signNote } from '../../runtime/ledger/tlog/note.js';
import { createSigner } from '../../runtime/ledger/tlog/note-key.js';
import { parseCosignerKey } from '../../runtime/ledger/witness/cosignature.js';
import { formatAddCheckpoint } from '../../runtime/ledger/witness/request.js';
import { cli } from '../http/cli.js';
import { TestAppliance } from '../support/appliance.js';

/** A log that the test itself signs, of up to 1024 leaves. */
const log = createSigner('log.example/1', Buffer.alloc(32, 1));
const stranger = createSigner('log.example/1', Buffer.alloc(32, 2));
const leaves = Buffer.concat(
  Array.from({ length: 1024 }, (_, n) => Buffer.from(leafHash(Buffer.from(`${n}`)), 'hex')),
);
const nodes = (level: number, index: number) => perfectRoot(leaves, index * 2 ** level, 2 ** level);
const noteOf = (size: number, signer = log) =>
  signNote(formatCheckpoint({ origin: signer.name, size, root: rootAt(nodes, size) }), [signer]);
const request = (from: number, to: number, signer = log) =>
  formatAddCheckpoint({
    oldSize: from,
    proof: from === 0 || from >= to ? [] : consistencyProof(nodes, { from, to }),
    note: noteOf(to, signer),
  });

let folder: string;
let asking: TestAppliance;
let witness: TestAppliance;
let logKey: string;
let witnessKey: string;

const quiet = { ARKALIA_REFLEXIA_INTERVAL_MS: '3600000' };
const run = async (...argv: string[]) => {
  const { code, stdout, stderr } = await cli(argv, { cwd: folder });
  return { code, stdout: stdout.trim(), stderr };
};
const startWitness = (port = '0') =>
  TestAppliance.start({
    dataDir: join(folder, 'witness'),
    flags: ['--port', port],
    env: {
      ...quiet,
      // The second start has another port, and a changed configuration that is killed twice is undone.
      ARKALIA_RECOVERY_ROLLBACK: 'false',
      ARKALIA_LEDGER_WITNESS_LOGS: `${logKey},${log.verifierKey}`,
      ARKALIA_LEDGER_WITNESS_REQUESTS_PER_MINUTE: '100000',
    },
  });
const show = async (body: string | Buffer<ArrayBuffer>, server = witness) => {
  const answer = await fetch(`${server.url}/ledger/witness/add-checkpoint`, { method: 'POST', body });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-witnesses-'));
  const dataDir = join(folder, 'asking');
  for (const name of ['asking', 'witness']) await mkdir(join(folder, name), { mode: 0o700 });
  const first = await TestAppliance.start({ dataDir, env: quiet });
  logKey = (await run('keys', 'show-verifier', '--data', dataDir)).stdout;
  await first.end();
  witness = await startWitness();
  witnessKey = (await run('keys', 'show-witness', '--data', join(folder, 'witness'))).stdout;
  asking = await TestAppliance.start({
    dataDir,
    env: {
      ...quiet,
      ARKALIA_LEDGER_WITNESS_ASK: `${witnessKey} ${witness.url}/ledger/witness`,
      ARKALIA_LEDGER_WITNESS_INTERVAL_MS: '1000',
    },
  });
}, 60_000);
afterAll(async () => {
  await asking?.end();
  await witness?.end();
  await rm(folder, { recursive: true, force: true });
});

/** The cosigned checkpoint, once it covers so many events. */
async function cosigned(size: number): Promise<string> {
  for (;;) {
    const answer = await fetch(`${asking.url}/ledger/witness/checkpoint`);
    const note = await answer.text();
    if (answer.status === 200 && Number(note.split('\n')[1]) >= size) return note;
    await fetch(`${asking.url}/ledger/checkpoint`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function decide(): Promise<number> {
  const answer = await asking.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'normal' });
  const { receipt } = (await answer.json()) as { receipt: { index: number } };
  return receipt.index + 1;
}

test('an appliance gets the cosignatures of another, over HTTP, and the CLI checks them', async () => {
  const size = await decide();
  const note = await cosigned(size);
  expect(openNote(note, [parseCosignerKey(witnessKey)]).signedBy).toEqual([
    expect.stringMatching(/^arkalia-[0-9a-f]{32}\/witness$/),
  ]);
  const file = join(folder, 'cosigned.txt');
  await writeFile(file, note);
  const flags = ['verify', '--checkpoints', file, '--verifier', logKey];
  const good = await run(...flags, '--witness', witnessKey);
  expect([good.code, good.stdout]).toEqual([
    0,
    expect.stringMatching(
      /^Holds: arkalia-\S+ signed the tree[^\n]+\nCosigned by arkalia-\S+\/witness on 20/,
    ),
  ]);
  await writeFile(file, note.split('\n').slice(0, 5).join('\n').concat('\n'));
  const bad = await run(...flags, '--witness', witnessKey);
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining('not signed by arkalia-')]);
});

test('both say what was asked and given', async () => {
  const size = await decide();
  await cosigned(size);
  const given = (await witness.json('/status')).witness as { key: string; logs: { size: number }[] };
  expect(given).toMatchObject({ key: witnessKey, asked: [], given: { cosigned: expect.any(Number) } });
  expect(given.logs[0]!.size).toBeGreaterThanOrEqual(size);
  const asked = (await asking.json('/status')).witness as { asked: object[] };
  expect(asked).toMatchObject({
    logs: [],
    asked: [{ name: expect.stringMatching(/\/witness$/), failed: 0 }],
  });
  const metrics = async (server: TestAppliance) => (await fetch(`${server.url}/metrics`)).text();
  expect(await metrics(witness)).toMatch(/arkalia_witness_given_total\{outcome="cosigned"\} [1-9]/);
  expect(await metrics(asking)).toMatch(
    /arkalia_witness_asked_total\{witness="[^"]+",outcome="cosigned"\} [1-9]/,
  );
});

describe('the answers are those of C2SP', () => {
  test.each([
    [404, 'no witness at all', () => request(0, 5), () => asking],
    [404, 'an unknown log', () => request(0, 5, createSigner('else', Buffer.alloc(32, 1))), () => witness],
    [403, 'an unknown key', () => request(0, 5, stranger), () => witness],
    [400, 'no request', () => 'hello', () => witness],
    [400, 'bytes that are no text', () => Buffer.from([0xff, 0xfe]), () => witness],
    [400, 'too much', () => 'x'.repeat(70_000), () => witness],
    [400, 'an old size above the checkpoint', () => request(6, 5), () => witness],
    [
      422,
      'a proof that does not hold',
      () => request(0, 5).replace('\n', `\n${'A'.repeat(43)}=\n`),
      () => witness,
    ],
  ])('%d for %s', async (status, _, body, server) => {
    const answer = await show(body(), server());
    expect(answer).toMatchObject({ status, type: 'application/problem+json' });
  });

  test('200 with signature lines alone, 409 with the size alone', async () => {
    expect(await show(request(3, 5))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '0\n' });
    const { status, text } = await show(request(0, 5));
    expect([status, text]).toEqual([200, expect.stringMatching(/^— \S+ \S+\n$/)]);
    expect(openNote(noteOf(5) + text, [parseCosignerKey(witnessKey)]).lines).toHaveLength(1);
    expect(await show(request(0, 5))).toEqual({ status: 409, type: 'text/x.tlog.size', text: '5\n' });
  });
});

test('after kill -9 it has forgotten nothing that it cosigned, and the log that asks goes on', async () => {
  const { port } = new URL(witness.url);
  let size = 5;
  for (let round = 0; round < 5; round++) {
    const seed = Date.now() % 1000;
    console.log(`kill -9 of a witness, round ${round}, after ${20 + (seed % 60)} ms`);
    const kill = setTimeout(() => witness.process.kill('SIGKILL'), 20 + (seed % 60));
    // Asks on and on until the connection breaks: what came back whole is acknowledged.
    for (;;) {
      const answer = await show(request(size, size + 1)).catch(() => undefined);
      if (answer === undefined) break;
      expect(answer.status).toBe(200);
      size++;
    }
    clearTimeout(kill);
    await witness.end('SIGKILL');
    const receipt = await decide();
    expect(receipt).toBeGreaterThan(0);
    witness = await startWitness(port);
    const { status, text } = await show(request(0, 1));
    expect([status, [`${size}\n`, `${size + 1}\n`]]).toEqual([409, expect.arrayContaining([text])]);
    size = Number(text);
    expect((await show(request(size, size))).status).toBe(200);
    expect(openNote(await cosigned(receipt), [parseCosignerKey(witnessKey)]).lines).toHaveLength(1);
  }
}, 120_000);
