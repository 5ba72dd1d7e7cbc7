import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openForWriting } from './database.js';
import { EventCatalog } from './events/catalog.js';
import { QueryClient, type StartReader } from './query.js';

let folder: string;
let file: string;
let client: QueryClient;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-query-'));
  file = join(folder, 'ledger.sqlite');
  openForWriting(file, 8_000_000).db.close();
  client = new QueryClient(file, new EventCatalog());
});
afterEach(async () => {
  await client.close();
  rmSync(folder, { recursive: true });
});

const ask = () => client.query({ limit: 1, order: 'asc' });

test('after a restart the next question has a reader of its own; who waited for the old one is rejected', async () => {
  // The first reader takes questions and answers none: a real one may be quicker than its end.
  const silent = () =>
    new Worker('require("node:worker_threads").parentPort.on("message", () => {})', { eval: true });
  const starts: StartReader[] = [silent, (script, workerData) => new Worker(script, { workerData })];
  const restarted = new QueryClient(file, new EventCatalog(), (script, data) =>
    starts.shift()!(script, data),
  );
  try {
    const question = () => restarted.query({ limit: 1, order: 'asc' });
    const waiting = question();
    restarted.restart();
    const next = question();
    await expect(waiting).rejects.toMatchObject({ code: 'ledger_unavailable' });
    expect(await next).toEqual([]);
    expect(starts).toEqual([]);
  } finally {
    await restarted.close();
  }
});

test('a reader that answered can be restarted, and the next question is answered', async () => {
  expect(await ask()).toEqual([]);
  client.restart();
  expect(await ask()).toEqual([]);
});

test('what was asked before the close is answered, what is asked after it is refused', async () => {
  const before = ask();
  const closed = client.close();
  await expect(ask()).rejects.toMatchObject({ code: 'ledger_unavailable' });
  expect(await before).toEqual([]);
  await closed;
});

test('more than 64 questions at once are refused, with the time of the next try', async () => {
  const asked = await Promise.allSettled(Array.from({ length: 65 }, ask));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(64);
  expect(asked.at(-1)).toMatchObject({ reason: { code: 'ledger_unavailable', retryAfterMs: 1000 } });
});
