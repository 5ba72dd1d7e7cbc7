import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leafHash } from '../../runtime/ledger/leaf.js';
import { verifyConsistency, verifyInclusion } from '../../runtime/ledger/merkle/verify.js';
import { parseCheckpoint } from '../../runtime/ledger/tlog/checkpoint.js';
import { openNote } from '../../runtime/ledger/tlog/note.js';
import { parseVerifierKey } from '../../runtime/ledger/tlog/note-key.js';
import { cli } from '../http/cli.js';
import { send } from '../http/raw.js';
import { TestAppliance } from '../support/appliance.js';

let appliance: TestAppliance;
const keys: Record<string, string> = {};
let verifier: ReturnType<typeof parseVerifierKey>;
let receipts: { index: number; leaf_hash: string }[];

beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_REFLEXIA_INTERVAL_MS: '3600000' } });
  const { dataDir } = appliance;
  const run = async (...argv: string[]) => {
    const { code, stdout, stderr } = await cli([...argv, '--data', dataDir], { cwd: dataDir });
    expect([code, stderr]).toEqual([0, expect.anything()]);
    return stdout.trim();
  };
  for (const role of ['user', 'operator', 'admin']) {
    keys[role] = await run('keys', 'create', '--name', role, '--role', role);
  }
  verifier = parseVerifierKey(await run('keys', 'show-verifier'));
  receipts = [];
  for (let round = 0; round < 10; round++) {
    const answers = Array.from({ length: 60 }, (_, i) =>
      appliance.post('/zeroia/decisions', {
        cpu: i,
        ram: round,
        severity: 'normal',
        context: 'what somebody typed',
      }),
    );
    for (const answer of await Promise.all(answers)) {
      if (answer.status !== 200) throw new Error(await answer.text());
      receipts.push(((await answer.json()) as { receipt: (typeof receipts)[number] }).receipt);
    }
  }
}, 60_000);
afterAll(() => appliance.close());

const get = (path: string, role = 'operator') =>
  fetch(`${appliance.url}/ledger/${path}`, { headers: { authorization: `Bearer ${keys[role]}` } });
const bytes = async (path: string) => {
  const answer = await get(path);
  expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
    path,
    200,
    'application/octet-stream',
  ]);
  expect(answer.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  return Buffer.from(await answer.arrayBuffer());
};
/** The newest checkpoint, or one that covers so many events: it may be a second old. */
const checkpoint = async (covers = 0) => {
  for (;;) {
    const answer = await get('checkpoint');
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    const read = parseCheckpoint(openNote(await answer.text(), [verifier]).text);
    expect(read.origin).toBe(verifier.name);
    if (read.size >= covers) return read;
  }
};
/** Either kind of proof, as it is on the wire. */
interface Proof {
  index: number;
  size: number;
  leaf_hash: string;
  root_hash: string;
  root_from: string;
  root_to: string;
  hashes: string[];
  checkpoint: string;
}
const hex = (text: string) => Buffer.from(text, 'hex');

test('tiles and bundles are those of the checkpoint, and every entry hashes to its place', async () => {
  const { size } = await checkpoint(600);
  const entries: Buffer[] = [];
  for (let number = 0; number * 256 < size; number++) {
    const width = Math.min(256, size - number * 256);
    const path = `${String(number).padStart(3, '0')}${width < 256 ? `.p/${width}` : ''}`;
    const bundle = await bytes(`tile/entries/${path}`);
    const hashes: string[] = [];
    for (let at = 0; at < bundle.byteLength; ) {
      const end = at + 2 + bundle.readUInt16BE(at);
      entries.push(bundle.subarray(at + 2, end));
      hashes.push(leafHash(bundle.subarray(at + 2, end)));
      at = end;
    }
    expect(hashes).toHaveLength(width);
    expect((await bytes(`tile/0/${path}`)).toString('hex')).toBe(hashes.join(''));
  }
  expect(entries).toHaveLength(size);
  for (const { index, leaf_hash } of receipts.filter(({ index }) => index < size)) {
    expect(leafHash(entries[index]!)).toBe(leaf_hash);
  }
  expect(Buffer.concat(entries).toString('utf8')).not.toContain('what somebody typed');
  expect((await bytes(`tile/1/000.p/${Math.floor(size / 256)}`)).byteLength).toBe(
    32 * Math.floor(size / 256),
  );
});

test.each([
  'tile/0/999',
  'tile/0/002.p/255',
  'tile/1/000',
  'tile/2/000.p/1',
  'tile/63/000',
  'tile/64/000',
  'tile/00/000',
  'tile/-1/000',
  'tile/x/000',
  'tile/0/0',
  'tile/0/000.p/0',
  'tile/0/000.p/256',
  'tile/0/000.p/1/2',
  'tile/0/x000/000',
  'tile/0/%30%30%30.p',
  'tile/entries/999',
  'tile/entries/000.p/256',
  'tile/entries/0/000',
])('%s is nothing that the log has', async (path) => {
  const answer = await get(path);
  expect(answer.status).toBe(404);
  expect(await answer.json()).toMatchObject({ code: 'not_found' });
});

test('the log in figures, with the first index that is served', async () => {
  const answer = await get('log');
  const log = (await answer.json()) as Record<string, unknown>;
  expect(log).toMatchObject({ origin: verifier.name, minimum_index: 0, limit_bytes: 500_000_000 });
  expect(parseVerifierKey(String(log.verifier_key)).keyId).toBe(verifier.keyId);
  expect(log.size).toBeGreaterThan(600);
  const events = await get('events?limit=1');
  expect(await events.json()).toMatchObject({ minimum_index: 0 });
});

describe('proofs', () => {
  const proof = async (path: string) => (await (await get(`proof/${path}`)).json()) as Proof;

  test('a receipt of just now is proven by a checkpoint that covers it', async () => {
    const answer = await appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'normal' });
    const { receipt } = (await answer.json()) as { receipt: (typeof receipts)[number] };
    const {
      index,
      size,
      leaf_hash,
      hashes,
      checkpoint: note,
    } = await proof(`inclusion?index=${receipt.index}`);
    expect([index, leaf_hash]).toEqual([receipt.index, receipt.leaf_hash]);
    const signed = parseCheckpoint(openNote(note, [verifier]).text);
    expect(signed.size).toBe(size);
    const claim = {
      index,
      size,
      leafHash: hex(leaf_hash),
      root: signed.root,
      proof: hashes.map(hex),
    };
    expect(verifyInclusion(claim)).toBe(true);
  });

  test('of any index and size, and between any two sizes', async () => {
    const { size, root } = await checkpoint(600);
    for (const index of [0, 100, 255, 256, 511, size - 1]) {
      const { leaf_hash, root_hash, hashes } = await proof(`inclusion?index=${index}&size=${size}`);
      expect(root_hash).toBe(Buffer.from(root).toString('hex'));
      const claim = { index, size, leafHash: hex(leaf_hash), root, proof: hashes.map(hex) };
      expect(verifyInclusion(claim)).toBe(true);
    }
    for (const from of [1, 255, 256, 300, size]) {
      const { root_from, root_to, hashes } = await proof(`consistency?from=${from}&to=${size}`);
      const roots = { rootFrom: hex(root_from), rootTo: hex(root_to) };
      expect(roots.rootTo.equals(root)).toBe(true);
      expect(verifyConsistency({ from, to: size, ...roots, proof: hashes.map(hex) })).toBe(true);
    }
  });

  test.each([
    'inclusion?index=100000',
    'inclusion?index=5&size=5',
    'inclusion?index=5&size=999999',
    'inclusion?index=-1',
    'inclusion?index=1.5',
    'inclusion',
    'consistency?from=0&to=5',
    'consistency?from=6&to=5',
    'consistency?from=1&to=999999',
    'consistency?from=1',
  ])('%s is refused with what is allowed', async (path) => {
    const answer = await get(`proof/${path}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringMatching(/.{15}/),
    });
  });
});

test.each([
  ['checkpoint', ['user', 'operator', 'admin']],
  ['proof/inclusion?index=0', ['user', 'operator', 'admin']],
  ['tile/0/000', ['operator', 'admin']],
  ['tile/entries/000', ['operator', 'admin']],
])('%s is for %j, and for whoever reads on this machine', async (path, roles) => {
  for (const role of ['user', 'operator', 'admin']) {
    expect([role, (await get(path, role)).status]).toEqual([role, roles.includes(role) ? 200 : 403]);
  }
  const wrong = { authorization: `Bearer ${keys.operator}x` };
  expect((await send(appliance.url, { path: `/ledger/${path}`, headers: wrong })).status).toBe(401);
  expect((await send(appliance.url, { path: `/ledger/${path}` })).status).toBe(200);
});
