import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkReceipt, readReceipt } from '../../runtime/cli/verify-receipt.js';
import type { CheckpointedReceipt, Receipt } from '../../runtime/contracts/ledger.js';
import { Database } from '../../runtime/contracts/sqlite.js';
import { parseVerifierKey } from '../../runtime/ledger/tlog/note-key.js';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';

interface Answer {
  recorded: string;
  receipt?: Receipt | CheckpointedReceipt;
}

let appliance: TestAppliance;
beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false' } });
});
afterAll(() => appliance.close());

const decision = { cpu: 1, ram: 1, severity: 'normal' };
async function decide(query: string, body: object = {}, headers: Record<string, string> = {}) {
  const response = await appliance.post(`/zeroia/decisions${query}`, { ...decision, ...body }, headers);
  return { status: response.status, answer: (await response.json()) as Answer & Record<string, unknown> };
}

function verifierKey(): string {
  const db = new Database(join(appliance.dataDir, 'ledger.sqlite'), { readonly: true });
  try {
    return db.prepare('SELECT verifier_key FROM log').pluck().get() as string;
  } finally {
    db.close();
  }
}

test.each([
  ['', {}],
  ['?record=durable', {}],
  ['', { record: 'durable' }],
  ['?record=durable', { record: 'durable' }],
])('durable is what %s and %j get', async (query, body) => {
  const { status, answer } = await decide(query, body, { prefer: 'respond-async, wait=100' });
  expect([status, answer.recorded, answer.receipt?.recorded]).toEqual([200, 'durable', 'durable']);
});

test('queued has no receipt and no place, and its event is recorded soon', async () => {
  const { status, answer } = await decide('?record=queued', { stream: 'queued-one' });
  expect([status, answer.recorded]).toEqual([200, 'queued']);
  expect(JSON.stringify(answer)).not.toMatch(/receipt|leaf_hash|"index"/);
  // What is durable was taken later, so the queued one is recorded before it.
  await decide('');
  const { events } = (await appliance.json('/ledger/events?stream=posted:queued-one')) as {
    events: { data: { id: string } }[];
  };
  expect(events.map(({ data }) => data.id)).toEqual([answer.id]);
});

test('many checkpointed receipts share a checkpoint, and each verifies with nothing but itself', async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, () => decide('?record=checkpointed')));
  const verifier = parseVerifierKey(verifierKey());
  const notes = new Set<string>();
  for (const { status, answer } of answers) {
    expect([status, answer.recorded]).toEqual([200, 'checkpointed']);
    expect(checkReceipt(readReceipt(JSON.stringify(answer), 'answer'), verifier, undefined)).toMatch(
      /^Holds/,
    );
    notes.add((answer.receipt as CheckpointedReceipt).proof.checkpoint);
  }
  expect(notes.size).toBeLessThan(answers.length / 10);
});

test('arkalia verify takes a checkpointed receipt from a file, and names a changed one', async () => {
  const { answer } = await decide('', { record: 'checkpointed' });
  const folder = await mkdtemp(join(tmpdir(), 'arkalia-record-'));
  try {
    const file = join(folder, 'receipt.json');
    const verify = async (value: unknown) => {
      await writeFile(file, JSON.stringify(value));
      return cli(['verify', '--receipt', file, '--verifier', verifierKey()], { cwd: folder });
    };
    expect(await verify(answer)).toMatchObject({ code: 0 });
    const { proof, ...receipt } = answer.receipt as CheckpointedReceipt;
    const changed = { ...proof, index: proof.index - 1 };
    expect(await verify({ ...receipt, index: changed.index, proof: changed })).toMatchObject({ code: 1 });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('Prefer: wait bounds the wait only; what holds then is told with 202', async () => {
  const none = await decide('?record=durable', { stream: 'wait' }, { prefer: 'wait=0' });
  // The disk may win against a wait of nothing.
  if (none.status === 202) expect(none.answer).not.toHaveProperty('receipt');
  expect(['queued', 'durable']).toContain(none.answer.recorded);
  // A checkpoint of just now makes the next one a second away.
  await decide('?record=checkpointed');
  const { status, answer } = await decide('?record=checkpointed', { stream: 'wait' }, { prefer: 'wait=0' });
  expect(status).toBe(202);
  expect(['queued', 'durable']).toContain(answer.recorded);
  await decide('');
  const { events } = (await appliance.json('/ledger/events?stream=posted:wait')) as { events: unknown[] };
  expect(events).toHaveLength(2);
});

test.each([
  ['?record=never', {}, {}, 'record'],
  ['', { record: 'checkpoint' }, {}, 'record'],
  ['?record=queued', { record: 'durable' }, {}, 'record'],
  ['?record=queued&record=queued', {}, {}, 'record'],
  ['', {}, { prefer: 'wait=-1' }, 'Prefer'],
  ['', {}, { prefer: 'wait' }, 'Prefer'],
  ['', {}, { prefer: 'wait=86401' }, 'Prefer'],
])('%s %j %j is refused', async (query, body, headers, param) => {
  const { status, answer } = await decide(query, body, headers as unknown as Record<string, string>);
  expect([status, answer]).toEqual([400, expect.objectContaining({ code: 'invalid_request', param })]);
});

test('/chat waits for a checkpoint when asked, and never queues', async () => {
  const ask = async (query: string, headers = {}) => {
    const response = await appliance.post(`/chat${query}`, { message: 'How are you?' }, headers);
    return { status: response.status, answer: (await response.json()) as Answer };
  };
  const { status, answer } = await ask('?record=checkpointed');
  expect([status, answer.receipt?.recorded]).toEqual([200, 'checkpointed']);
  const verifier = parseVerifierKey(verifierKey());
  expect(checkReceipt(readReceipt(JSON.stringify(answer), 'answer'), verifier, undefined)).toMatch(/^Holds/);
  const less = await ask('?record=checkpointed', { prefer: 'wait=0' });
  expect([less.status, less.answer.receipt?.recorded]).toEqual([202, 'durable']);
  expect((await ask('?record=queued')).status).toBe(400);
});
