import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../contracts/clock.js';
import type { JsonObject } from '../contracts/json.js';
import type { NewEvent, Receipt } from '../contracts/ledger.js';
import { Database } from '../contracts/sqlite.js';
import { commitment } from './commitment.js';
import { EventCatalog } from './events/catalog.js';
import { leafHash } from './leaf.js';
import { openLedger, type SqliteLedger } from './ledger.js';
import type { LedgerOptions } from './ledger-options.js';
import type { WriterReply, WriterRequest } from './protocol.js';

let folder: string;
let file: string;
const opened: SqliteLedger[] = [];
const failures: Error[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-ledger-'));
  file = join(folder, 'ledger.sqlite');
  failures.length = 0;
});

afterEach(async () => {
  for (const ledger of opened.splice(0)) await ledger.close();
  rmSync(folder, { recursive: true });
});

async function open(options: Partial<LedgerOptions> = {}): Promise<SqliteLedger> {
  const ledger = await openLedger({
    file,
    bootId: 'boot-1',
    clock: systemClock,
    queueMax: 20_000,
    batchMax: 64,
    onFailure: (error) => failures.push(error),
    ...options,
  });
  opened.push(ledger);
  return ledger;
}

const event = (n: number, more: Partial<NewEvent> = {}): NewEvent => ({
  type: 'decision_made',
  module: 'zeroia',
  data: { n },
  ...more,
});

interface Row {
  index: number;
  leaf: Buffer;
  hash: Buffer;
}

function rows(): Row[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare('SELECT "index", leaf, leaf_hash AS hash FROM events ORDER BY "index"').all() as Row[];
  } finally {
    db.close();
  }
}

describe('append', () => {
  it('is answered after another connection can read the event, with the hash of its bytes', async () => {
    const ledger = await open();
    for (let n = 0; n < 5; n++) {
      const receipt = await ledger.append(event(n));
      const row = rows()[n];
      expect(receipt).toEqual({ recorded: 'durable', index: n, leaf_hash: row?.hash.toString('hex') });
      expect(leafHash(row?.leaf ?? Buffer.alloc(0))).toBe(receipt.leaf_hash);
    }
  });

  it('keeps the order of the calls and leaves no gap, in many batches and over many turns', async () => {
    const ledger = await open({ batchMax: 7 });
    const receipts: Promise<{ index: number }>[] = [];
    for (let n = 0; n < 1000; n++) {
      receipts.push(ledger.append(event(n)));
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    const indexes = (await Promise.all(receipts)).map((receipt) => receipt.index);
    expect(indexes).toEqual(Array.from({ length: 1000 }, (_, n) => n));
    const stored = rows().map((row) => (JSON.parse(row.leaf.toString()) as { data: { n: number } }).data.n);
    expect(stored).toEqual(indexes);
    expect(ledger.status()).toMatchObject({ state: 'open', size: 1000, pending: 0 });
  });

  it.each([1, 2, 7])('never puts more than %i events into one transaction', async (batchMax) => {
    const ledger = await open({ batchMax });
    const before = ledger.status().commits;
    const receipts: Promise<{ index: number }>[] = [];
    for (let n = 0; n < 100; n++) {
      receipts.push(ledger.append(event(n)));
      // So that small batches meet at the writer too.
      if (n % 10 === 3) await new Promise(setImmediate);
    }
    const indexes = (await Promise.all(receipts)).map((receipt) => receipt.index);
    expect(indexes).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(ledger.status().commits - before).toBeGreaterThanOrEqual(Math.ceil(100 / batchMax));
  });

  it('goes on after a restart', async () => {
    const first = await open();
    await Promise.all([first.append(event(0)), first.append(event(1))]);
    await first.close();
    const second = await open({ bootId: 'boot-2' });
    expect(second.status().size).toBe(2);
    expect((await second.append(event(2))).index).toBe(2);
    expect((await second.query({ limit: 10, order: 'asc' })).map((found) => found.boot_id)).toEqual([
      'boot-1',
      'boot-1',
      'boot-2',
    ]);
  });

  it('rejects a bad event alone and records the others', async () => {
    const ledger = await open();
    const results = await Promise.allSettled([
      ledger.append(event(0, { data: { text: 'x'.repeat(70_000) } })),
      ledger.append(event(1)),
      ledger.append(event(2, { type: 'nonsense' as NewEvent['type'] })),
      ledger.append(event(3)),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(rows()).toHaveLength(2);
    const alone = ledger.append(event(4, { data: { text: 'x'.repeat(70_000) } }));
    await expect(alone).rejects.toThrow(RangeError);
    expect((await ledger.append(event(5))).index).toBe(2);
  });

  it('stores texts beside the leaf, committed, binary-safe and across batches', async () => {
    const ledger = await open({ batchMax: 3 });
    const words = ['', 'plain', 'é€😀\u0000', 'x'.repeat(300_000)];
    await Promise.all(
      words.map((word, n) => ledger.append(event(n, { texts: { answer: `${word}!`, message: word } }))),
    );
    const db = new Database(file, { readonly: true });
    const stored = db.prepare('SELECT event_index AS i, name, salt, text FROM texts ORDER BY 1, 2').all() as {
      i: number;
      name: string;
      salt: Buffer;
      text: Buffer;
    }[];
    db.close();
    expect(stored.map((text) => text.text.toString('utf8'))).toEqual(
      words.flatMap((word) => [`${word}!`, word]),
    );
    const events = await ledger.query({ limit: 10, order: 'asc' });
    for (const text of stored) {
      expect(events[text.i]?.commitments[text.name]).toBe(commitment(text.salt, text.text));
    }
    expect(rows()[1]?.leaf.includes('plain')).toBe(false);
  });
});

describe('the bound of the queue', () => {
  it('refuses the event beyond it with a time to come back, and loses none of the others', async () => {
    const ledger = await open({ queueMax: 16, batchMax: 4 });
    const blocker = new Database(file);
    blocker.exec('BEGIN IMMEDIATE');
    const accepted = Array.from({ length: 16 }, (_, n) => ledger.append(event(n)));
    await new Promise(setImmediate);
    await expect(ledger.append(event(16))).rejects.toMatchObject({
      code: 'ledger_unavailable',
      status: 503,
      retryAfterMs: expect.toSatisfy((ms: number) => Number.isInteger(ms) && ms > 0),
    });
    expect(ledger.status()).toMatchObject({ pending: 16, size: 0 });
    blocker.exec('ROLLBACK');
    blocker.close();
    expect((await Promise.all(accepted)).map((receipt) => receipt.index)).toEqual(
      Array.from({ length: 16 }, (_, n) => n),
    );
    expect((await ledger.append(event(16))).index).toBe(16);
  });

  it.each([{ queueMax: 0 }, { queueMax: 1.5 }, { batchMax: 65_537 }, { bootId: '' }])(
    'refuses the option %j',
    async (options) => {
      await expect(open(options)).rejects.toThrow(RangeError);
    },
  );
});

describe('failure', () => {
  async function openBreakable(): Promise<{ ledger: SqliteLedger; writer: Worker }> {
    let writer: Worker | undefined;
    const ledger = await open({
      batchMax: 8,
      startWriter: (script, workerData) => {
        writer = new Worker(script, { workerData });
        return writer;
      },
    });
    if (writer === undefined) throw new Error('no writer was started');
    return { ledger, writer };
  }

  it('of the writer thread rejects all who wait; whoever was acknowledged is on disk', async () => {
    const { ledger, writer } = await openBreakable();
    const receipts = Array.from({ length: 400 }, (_, n) => ledger.append(event(n)));
    const settled = Promise.allSettled(receipts);
    await receipts[20];
    await writer.terminate();
    const results = await settled;
    const acknowledged = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const rejected = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(rejected.length).toBeGreaterThan(0);
    for (const reason of rejected) expect(reason).toMatchObject({ code: 'system_reboot_required' });
    const stored = rows();
    for (const receipt of acknowledged) {
      expect(stored[receipt.index]?.hash.toString('hex')).toBe(receipt.leaf_hash);
    }
    expect(failures).toHaveLength(1);
    expect(ledger.status()).toMatchObject({
      state: 'failed',
      pending: 0,
      problem: expect.stringContaining('writer'),
    });
    await expect(ledger.append(event(0))).rejects.toMatchObject({
      name: 'SystemRebootRequired',
      code: 'system_reboot_required',
      status: 503,
    });
    expect(failures).toHaveLength(1);
  });

  it('of the writer thread is mended by another: nothing acknowledged is lost, and who waited is told to try again', async () => {
    const writers: Worker[] = [];
    const ledger = await open({
      batchMax: 8,
      isRestarted: true,
      startWriter: (script, workerData) => {
        writers.push(new Worker(script, { workerData }));
        return writers.at(-1)!;
      },
    });
    await expect(ledger.restartWriter()).rejects.toThrow('not failed');
    const acknowledged: Receipt[] = [];
    for (let round = 0; round < 5; round++) {
      const settled = Promise.allSettled(Array.from({ length: 200 }, (_, n) => ledger.append(event(n))));
      await ledger.append(event(1000)).then((receipt) => acknowledged.push(receipt));
      await writers.at(-1)!.terminate();
      for (const result of await settled) {
        if (result.status === 'fulfilled') acknowledged.push(result.value);
        else expect(result.reason).toMatchObject({ code: 'ledger_unavailable', retryAfterMs: 1000 });
      }
      expect(ledger.status().state).toBe('failed');
      await expect(ledger.append(event(0))).rejects.toMatchObject({ code: 'ledger_unavailable' });
      await Promise.all([ledger.restartWriter(), ledger.restartWriter()]);
      expect(ledger.status().state).toBe('open');
    }
    expect(writers).toHaveLength(6);
    acknowledged.push(await ledger.append(event(7)));
    expect(await ledger.log.covering(acknowledged.at(-1)!.index + 1)).toBeTypeOf('string');
    const stored = rows();
    for (const { index, leaf_hash } of acknowledged)
      expect(stored[index]?.hash.toString('hex')).toBe(leaf_hash);
    expect(new Set(acknowledged.map(({ index }) => index)).size).toBe(acknowledged.length);
  });

  it('of one writer after the other, with nothing recorded in between, is final', async () => {
    let writer: Worker | undefined;
    const ledger = await open({
      isRestarted: true,
      startWriter: (script, workerData) => {
        writer = new Worker(script, { workerData });
        return writer;
      },
    });
    const kill = async () => {
      const gone = new Promise((resolve) => writer!.once('exit', resolve));
      await writer!.terminate();
      await gone;
    };
    for (let death = 0; death < 3; death++) {
      await kill();
      await ledger.restartWriter();
    }
    await kill();
    await expect(ledger.restartWriter()).rejects.toThrow('3 writers failed one after the other');
    await expect(ledger.append(event(0))).rejects.toMatchObject({ code: 'system_reboot_required' });
  });

  it('is final when events that were acknowledged are not there any more', async () => {
    const { ledger, writer } = await openBreakable();
    for (let n = 0; n < 3; n++) await ledger.append(event(n));
    await writer.terminate();
    const thief = new Database(file);
    thief.exec('DELETE FROM events WHERE rowid >= (SELECT max(rowid) FROM events)');
    thief.close();
    await expect(ledger.restartWriter()).rejects.toThrow();
    expect(ledger.status().state).toBe('failed');
  });

  it('of a commit acknowledges nobody, and what was recorded stays readable', async () => {
    const ledger = await open();
    await ledger.append(event(0));
    // Somebody else takes the next index: the transaction breaks on the primary key.
    const intruder = new Database(file);
    intruder.exec(`INSERT INTO events VALUES (2, 'a', 'a', NULL, NULL, 0, x'', x'')`);
    intruder.close();
    const results = await Promise.allSettled([1, 2, 3].map((n) => ledger.append(event(n))));
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(rows().map((row) => row.index)).toEqual([0, 2]);
    expect(failures).toHaveLength(1);
    expect(ledger.status()).toMatchObject({ state: 'failed', problem: expect.stringContaining('UNIQUE') });
    expect(await ledger.query({ limit: 1, order: 'asc' })).toHaveLength(1);
    await ledger.close();
    expect(ledger.status().state).toBe('failed');
  });
});

describe('batches', () => {
  it('of one turn leave before it ends, few at a time, and are acknowledged in order', async () => {
    const counts: number[] = [];
    let out = 0;
    let outMax = 0;
    const ledger = await open({
      batchMax: 1000,
      startWriter: (script, workerData) => {
        const writer = new Worker(script, { workerData });
        const post = writer.postMessage.bind(writer);
        writer.postMessage = (message: WriterRequest, moved: ArrayBuffer[]) => {
          if (message.kind === 'append') {
            counts.push(message.count);
            out++;
            outMax = Math.max(outMax, out);
          }
          post(message, moved);
        };
        writer.on('message', (reply: WriterReply) => {
          if (reply.kind === 'appended') out -= reply.batches.length;
        });
        return writer;
      },
    });
    const receipts = Array.from({ length: 500 }, (_, n) => ledger.append(event(n)));
    const inTheTurn = counts.length;
    expect(inTheTurn).toBeGreaterThan(1);
    const indexes = (await Promise.all(receipts)).map((receipt) => receipt.index);
    expect(indexes).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(counts.reduce((sum, count) => sum + count)).toBe(500);
    expect(outMax).toBeLessThanOrEqual(4);
    expect(rows().map((row) => (JSON.parse(row.leaf.toString()) as { data: { n: number } }).data.n)).toEqual(
      indexes,
    );
  });
});

describe('close', () => {
  it('commits what waits, then refuses; may be called again', async () => {
    const ledger = await open({ batchMax: 4 });
    const receipts = Array.from({ length: 30 }, (_, n) => ledger.append(event(n)));
    await Promise.all([ledger.close(), ledger.close()]);
    expect((await Promise.all(receipts)).at(-1)?.index).toBe(29);
    expect(ledger.status()).toMatchObject({ state: 'closed', size: 30 });
    await expect(ledger.append(event(30))).rejects.toMatchObject({ code: 'ledger_unavailable' });
    await expect(ledger.query({ limit: 1, order: 'asc' })).rejects.toMatchObject({
      code: 'ledger_unavailable',
    });
    expect(rows()).toHaveLength(30);
    expect(failures).toEqual([]);
  });
});

it('shows data of an older version as the current one and leaves its leaf alone', async () => {
  const catalogue = (version: number) => {
    const catalog = new EventCatalog();
    const upcasts = [({ inches }: JsonObject) => ({ mm: Number(inches) * 25.4 })].slice(0, version - 1);
    const data = version === 1 ? z.strictObject({ inches: z.number() }) : z.strictObject({ mm: z.number() });
    catalog.register('weather', [{ type: 'weather.rain', version, about: 'Rain.', data, upcasts }]);
    return catalog;
  };
  const rain = (data: JsonObject): NewEvent => ({ type: 'weather.rain', module: 'weather', data });
  const before = await open({ events: catalogue(1) });
  const { leaf_hash } = await before.append(rain({ inches: 2 }));
  await expect(before.append(rain({ mm: 2 }))).rejects.toThrow(/does not fit its schema/);
  await before.close();
  const after = await open({ events: catalogue(2) });
  await after.append(rain({ mm: 3 }));
  expect(await after.query({ limit: 10, order: 'asc' })).toMatchObject([
    { index: 0, v: 1, data: { mm: 50.8 }, leaf_hash },
    { index: 1, v: 2, data: { mm: 3 } },
  ]);
  expect(rows()[0]!.leaf.toString()).toContain('"data":{"inches":2}');
});

describe('query', () => {
  it('selects by type, stream and position, in both orders, beyond one page', async () => {
    const ledger = await open();
    await Promise.all(
      Array.from({ length: 450 }, (_, n) =>
        ledger.append(
          event(n, {
            ...(n % 3 === 0 ? { type: 'system_error', data: { name: 'Error' } } : {}),
            ...(n % 2 === 0 ? { stream: 'even', correlationId: `request-${n}` } : {}),
          }),
        ),
      ),
    );
    const indexes = async (query: Parameters<typeof ledger.query>[0]) =>
      (await ledger.query(query)).map((found) => found.index);
    const all = Array.from({ length: 450 }, (_, n) => n);
    expect(await indexes({ limit: 1000, order: 'asc' })).toEqual(all);
    expect(await indexes({ limit: 1000, order: 'desc' })).toEqual(all.toReversed());
    expect(await indexes({ limit: 205, order: 'desc', since: 400 })).toEqual(all.slice(400).toReversed());
    expect(await indexes({ limit: 205, order: 'asc', since: 400 })).toEqual(all.slice(400));
    expect(await indexes({ limit: 205, order: 'asc', since: 10 })).toEqual(all.slice(10, 215));
    expect(await indexes({ limit: 200, order: 'asc', since: 450 })).toEqual([]);
    const both = all.filter((n) => n % 6 === 0);
    expect(await indexes({ limit: 1000, order: 'asc', type: 'system_error', stream: 'even' })).toEqual(both);
    expect(await indexes({ limit: 50, order: 'desc', type: 'system_error' })).toEqual(
      all
        .filter((n) => n % 3 === 0)
        .toReversed()
        .slice(0, 50),
    );
    expect((await ledger.query({ limit: 1, order: 'asc', since: 2 }))[0]).toEqual({
      index: 2,
      type: 'decision_made',
      module: 'zeroia',
      stream: 'even',
      correlation_id: 'request-2',
      time_ms: expect.any(Number),
      monotonic_ms: expect.any(Number),
      boot_id: 'boot-1',
      v: 1,
      data: { n: 2 },
      commitments: {},
      leaf_hash: rows()[2]?.hash.toString('hex'),
    });
  });

  it.each([
    { limit: 0 },
    { limit: 1001 },
    { limit: Number.NaN },
    { limit: 1, since: -1 },
    { limit: 1, since: 0.5 },
  ])('refuses %j', async (query) => {
    const ledger = await open();
    await expect(ledger.query({ order: 'asc', ...query })).rejects.toThrow(RangeError);
  });

  it('has bounded room for queries that wait', async () => {
    const ledger = await open();
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, () => ledger.query({ limit: 1, order: 'asc' })),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(36);
    expect(refused[0]?.reason).toMatchObject({ code: 'ledger_unavailable', retryAfterMs: 1000 });
    expect(await ledger.query({ limit: 1, order: 'asc' })).toEqual([]);
  });
});

it('keeps the files of the ledger to their owner', async () => {
  const ledger = await open();
  await ledger.append(event(0));
  for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600);
  expect(ledger.status().bytes).toBe(statSync(file).size + statSync(`${file}-wal`).size);
});
