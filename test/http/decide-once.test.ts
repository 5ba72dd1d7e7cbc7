import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../runtime/contracts/clock.js';
import { LedgerIdempotency } from '../../runtime/idempotency/idempotency.js';
import { openLedger } from '../../runtime/ledger/ledger.js';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';
import { problemOf, sendJson } from './raw.js';

let appliance: TestAppliance;
let dataDir: string;
const start = async () => {
  appliance = await TestAppliance.start({ dataDir, env: { ARKALIA_ZEROIA_ACT: 'false' } });
};
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-once-'));
  await start();
});
afterEach(async () => {
  await appliance.close();
  await rm(dataDir, { recursive: true });
});

const body = { cpu: 91, ram: 40, severity: 'high', context: 'typedMARK' };
const decide = (key: string, more: object = {}, headers: Record<string, string> = {}, query = '') =>
  sendJson(
    appliance.url,
    `/zeroia/decisions${query}`,
    { ...body, ...more },
    { 'idempotency-key': key, ...headers },
  );
const posted = async () => {
  const { events } = (await appliance.json('/ledger/events?type=decision_made&limit=1000')) as {
    events: { index: number; stream: string }[];
  };
  return events.filter(({ stream }) => stream.startsWith('posted:'));
};

test('a decision is made once and given again to the byte, over kill -9 too', async () => {
  const first = await decide('k1');
  expect([first.status, first.headers['idempotency-replayed']]).toEqual([200, undefined]);
  const second = await decide('k1');
  expect([second.status, second.text]).toEqual([200, first.text]);
  expect(second.headers['idempotency-replayed']).toBe('true');
  await appliance.end('SIGKILL');
  await start();
  const third = await decide('k1');
  expect([third.status, third.text]).toEqual([200, first.text]);
  expect(await posted()).toHaveLength(1);
  // In its own series, as without a key.
  expect((await posted())[0]!.stream).toBe('posted:loopback');
  const other = await decide('k2');
  expect(other.text).not.toBe(first.text);
});

test('another body is 422, of ten at once one is made, each client has its own keys, and a bad key is refused', async () => {
  const ten = await Promise.all(Array.from({ length: 10 }, () => decide('k1')));
  const made = ten.filter(({ status }) => status === 200);
  expect(new Set(made.map(({ text }) => text)).size).toBe(1);
  for (const answer of ten.filter(({ status }) => status !== 200)) {
    expect([answer.status, problemOf(answer).code]).toEqual([409, 'request_in_progress']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect(await posted()).toHaveLength(1);
  const changed = await decide('k1', { cpu: 1 });
  expect([changed.status, problemOf(changed).code]).toEqual([422, 'idempotency_mismatch']);
  const argv = ['keys', 'create', 'x', '--data', dataDir];
  const key = (await cli(argv, { cwd: dataDir })).stdout.trim();
  const own = await decide('k1', {}, { authorization: `Bearer ${key}` });
  expect([own.status, own.headers['idempotency-replayed']]).toEqual([200, undefined]);
  expect((await decide('a b')).status).toBe(400);
});

test('queued is durable with a key; a checkpointed one is given again with its proof', async () => {
  const first = await decide('k1', {}, {}, '?record=queued');
  expect([first.status, JSON.parse(first.text)]).toEqual([
    200,
    expect.objectContaining({ recorded: 'durable' }),
  ]);
  const proven = await decide('k2', {}, {}, '?record=checkpointed');
  const again = await decide('k2', {}, {}, '?record=checkpointed');
  for (const { text } of [proven, again]) {
    expect(JSON.parse(text)).toMatchObject({
      recorded: 'checkpointed',
      receipt: { proof: { size: expect.any(Number) } },
    });
  }
});

test('one that was begun and has no answer after a crash is 409 outcome_unknown, each time, and nothing is decided', async () => {
  await appliance.close();
  // What a crash between the start and the decision leaves behind.
  const ledger = await openLedger({
    ...{
      file: join(dataDir, 'ledger.sqlite'),
      bootId: 'crashed',
      clock: systemClock,
      queueMax: 10,
      batchMax: 10,
    },
    onFailure: (error) => {
      throw error;
    },
  });
  const crashed = new LedgerIdempotency({ ledger, clock: systemClock, keysMax: 10, keepMs: 60_000 });
  const claim = await crashed.claim({
    ...{ key: 'k1', route: 'POST /zeroia/decisions', body, client: 'loopback', requestId: 'lost-1' },
    ...{ texts: {}, stream: 'posted:loopback', interrupted: 'refuse' },
  });
  expect(claim.state).toBe('new');
  await ledger.close();
  await start();
  for (let n = 0; n < 3; n++) {
    const answer = await decide('k1');
    expect([answer.status, problemOf(answer).code]).toEqual([409, 'outcome_unknown']);
  }
  expect(await posted()).toEqual([]);
  expect((await decide('k1', { cpu: 2 })).status).toBe(422);
  expect((await decide('k2')).status).toBe(200);
});

test('what it gave is erased with the texts of its key; nothing is left by which it could be recognised', async () => {
  const argv = ['keys', 'create', 'x', '--data', dataDir];
  const key = (await cli(argv, { cwd: dataDir })).stdout.trim();
  const as = { authorization: `Bearer ${key}` };
  expect((await decide('k1', {}, as)).status).toBe(200);
  const [event] = await posted();
  const erase = ['erase', '--key', key.split('_')[1]!, '--data', dataDir];
  expect((await cli(erase, { cwd: dataDir })).code).toBe(0);
  const again = await decide('k1', {}, as);
  expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, undefined]);
  expect((await posted()).map(({ index }) => index)).toContain(event!.index);
});
