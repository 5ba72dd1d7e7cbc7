import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesHolding } from '../../test/support/files-holding.js';
import type { Clock } from '../contracts/clock.js';
import type { EraseSelector } from '../contracts/ledger.js';
import { Database } from '../contracts/sqlite.js';
import { applicationId, openForReading } from './database.js';
import { erase } from './erasing.js';
import { openLedger, type SqliteLedger } from './ledger.js';
import { parseVerifierKey } from './tlog/note-key.js';
import { verifyLog } from './tlog/verify-log.js';

let folder: string;
let file: string;
let ledger: SqliteLedger;
let wallMs: number;

const clock: Clock = { wallMs: () => wallMs, monotonicMs: () => performance.now() };
const open = () =>
  openLedger({
    file,
    bootId: 'boot-1',
    clock,
    queueMax: 10_000,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-erase-'));
  file = join(folder, 'ledger.sqlite');
  wallMs = 1_700_000_000_000;
  ledger = await open();
});

afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});

/** Long enough for pages of its own behind the row. */
const long = (word: string) => `${word} `.repeat(3000);
const chat = (session: string, key: string, word: string) =>
  ledger.append({
    type: 'decision_made',
    module: 'assistantia',
    data: { n: 1 },
    texts: { prompt: `${word}-prompt`, answer: long(`${word}-answer`), session, key },
  });

/** Names of the files of the folder that hold the bytes anywhere. */
const holding = (...words: string[]) => filesHolding(folder, ...words);

async function verify() {
  await ledger.log.covering(ledger.status().size);
  const db = openForReading(file);
  try {
    return verifyLog(db, parseVerifierKey(ledger.log.verifierKey)).faults;
  } finally {
    db.close();
  }
}

const leafHashes = async () =>
  (await ledger.query({ limit: 1000, order: 'asc' })).map(({ leaf_hash }) => leaf_hash);

describe('erasing', () => {
  it.each<[string, EraseSelector | (() => EraseSelector), string[], string[]]>([
    ['a session', { session: 'session-anna' }, ['anna1', 'anna2', 'session-anna'], ['bert1', 'session-bert']],
    ['a key', { key: 'keyofbert' }, ['bert1', 'keyofbert', 'session-bert'], ['anna1', 'anna2', 'keyofanna']],
    ['a time', { before: 1_700_000_001_000 }, ['anna1', 'bert1', 'session-bert'], ['anna2', 'keyofanna']],
    ['indexes', { ids: [2] }, ['anna2'], ['anna1', 'bert1', 'session-anna', 'keyofanna']],
  ])('by %s leaves no byte in any file, and every hash as it was', async (_, selector, gone, left) => {
    await chat('session-anna', 'keyofanna', 'anna1');
    await chat('session-bert', 'keyofbert', 'bert1');
    wallMs += 1000;
    await chat('session-anna', 'keyofanna', 'anna2');
    // In the write-ahead log, and in pages that were copied back.
    for (let n = 0; n < 50; n++) await chat(`other-${n}`, 'keyofothers', `other${n}`);
    expect(holding(...gone)).not.toEqual([]);
    const before = await leafHashes();
    const proof = await ledger.log.inclusion({ index: 2, size: 50 });

    const erasure = await ledger.erase(typeof selector === 'function' ? selector() : selector);

    for (const word of gone) expect([word, holding(word)]).toEqual([word, []]);
    for (const word of left) expect([word, holding(word)]).not.toEqual([word, []]);
    expect(erasure).toMatchObject({ texts: erasure.events * 4, files: [], unreadable: [] });
    const after = await leafHashes();
    expect(after.slice(0, -1)).toEqual(before);
    expect(await ledger.log.inclusion({ index: 2, size: 50 })).toEqual(proof);
    expect(await verify()).toEqual([]);
    const [last] = await ledger.query({ limit: 1, order: 'desc' });
    expect(last).toMatchObject({
      type: 'erased',
      index: erasure.receipt.index,
      data: { by: Object.keys(selector)[0], events: erasure.events, texts: erasure.texts },
    });
    for (const word of gone) expect(JSON.stringify(last)).not.toContain(word);
  });

  it('reaches every ledger of the folder, whatever it is called, and names what it cannot read', async () => {
    await chat('session-anna', 'keyofanna', 'anna1');
    await ledger.close();
    copyFileSync(file, join(folder, 'ledger.epoch-1.sqlite'));
    copyFileSync(file, join(folder, 'my backup'));
    const damaged = Buffer.from(readFileSync(file));
    damaged.fill(0x5a, 4096);
    expect(damaged.readUInt32BE(68)).toBe(applicationId);
    writeFileSync(join(folder, 'ledger.corrupt-1.sqlite'), damaged);
    writeFileSync(join(folder, 'notes.txt'), 'nothing of ours');
    ledger = await open();
    const erasure = await ledger.erase({ session: 'session-anna' });
    expect(erasure).toMatchObject({
      events: 3,
      texts: 12,
      files: ['ledger.epoch-1.sqlite', 'my backup'],
      unreadable: ['ledger.corrupt-1.sqlite'],
    });
    expect(holding('anna1', 'session-anna')).toEqual([]);
  });

  it('names what was set aside and is no database any more, and a write-ahead log that lost its own', async () => {
    await chat('session-anna', 'keyofanna', 'anna1');
    const wal = readFileSync(`${file}-wal`);
    expect(wal.includes('anna1')).toBe(true);
    await ledger.close();
    const damaged = Buffer.from(readFileSync(file));
    damaged.fill(0x5a, 0, 4096);
    const name = (n: number) => `ledger.corrupt-20260101T00000${n}Z-unread.sqlite`;
    const put = (n: number, database: Buffer | undefined, log: Buffer | undefined) => {
      if (database !== undefined) writeFileSync(join(folder, name(n)), database);
      if (log !== undefined) writeFileSync(join(folder, `${name(n)}-wal`), log);
    };
    put(1, damaged, undefined);
    put(2, undefined, wal);
    put(3, Buffer.alloc(0), Buffer.alloc(0));
    // What SQLite can read, or mend by its log, is erased like any other.
    put(4, readFileSync(file), wal);
    put(5, damaged, wal);
    ledger = await open();
    const unreadable = [name(1), `${name(2)}-wal`];
    expect(await ledger.erase({ session: 'session-anna' })).toMatchObject({ events: 3, unreadable });
    expect(holding('anna1')).toEqual(unreadable);
  });

  it('by index reaches the same event in every copy, and no other event that has its place', async () => {
    for (const word of ['anna1', 'bert1', 'anna2']) await chat('shared', 'keyofboth', word);
    await ledger.close();
    copyFileSync(file, join(folder, 'my backup'));
    // Another log: at the same places it has other events.
    const other = mkdtempSync(join(tmpdir(), 'arkalia-erase-'));
    const own = file;
    file = join(other, 'ledger.sqlite');
    ledger = await open();
    for (const word of ['carl1', 'carl2', 'carl3']) await chat('shared', 'keyofcarl', word);
    await ledger.close();
    copyFileSync(file, join(folder, 'ledger.epoch-7.sqlite'));
    rmSync(other, { recursive: true });
    file = own;
    ledger = await open();
    const erasure = await ledger.erase({ ids: [2, 0, 77] });
    expect(erasure).toMatchObject({ events: 4, texts: 16, files: ['my backup'], unreadable: [] });
    expect(holding('anna1', 'anna2')).toEqual([]);
    expect(holding('bert1')).toEqual(['ledger.sqlite', 'my backup']);
    for (const word of ['carl1', 'carl2', 'carl3']) expect(holding(word)).toEqual(['ledger.epoch-7.sqlite']);
    expect(await verify()).toEqual([]);
  });

  it('by index reaches what was pruned here and is in a copy of this log only', async () => {
    await chat('session-anna', 'keyofanna', 'anna1');
    await ledger.close();
    for (const [name, sql] of [
      ['my backup', ''],
      ['another log', "UPDATE log SET verifier_key = 'other/1+00000000+AA=='"],
    ] as const) {
      copyFileSync(file, join(folder, name));
      const db = new Database(join(folder, name));
      db.exec(sql);
      db.close();
    }
    const db = new Database(file);
    db.exec('PRAGMA secure_delete = ON; DELETE FROM texts; DELETE FROM events; UPDATE log SET minimum = 256');
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    const erased = await erase(db, file, { ids: [0] });
    db.close();
    expect(erased).toMatchObject({ events: 1, texts: 4, files: ['my backup'] });
    expect(holding('anna1')).toEqual(['another log']);
    rmSync(file);
    ledger = await open();
  });

  it('of a session one owner alone loses what was said, in every ledger', async () => {
    await chat('shared', 'keyofanna', 'anna1');
    await chat('shared', 'keyofbert', 'bert1');
    await ledger.append({
      ...{ type: 'session_named', module: 'assistantia', data: { chars: 7 } },
      texts: { session: 'shared', title: 'nobody1' },
    });
    await ledger.close();
    copyFileSync(file, join(folder, 'ledger.epoch-1.sqlite'));
    ledger = await open();
    const erase = (owner: string | null) => ledger.erase({ session: 'shared', owner });
    expect(await erase('keyofanna')).toMatchObject({ events: 2, files: ['ledger.epoch-1.sqlite'] });
    expect([holding('anna1'), holding('bert1').length, holding('nobody1').length]).toEqual([[], 2, 2]);
    expect(await erase(null)).toMatchObject({ events: 2, texts: 4 });
    expect([holding('nobody1'), holding('bert1').length]).toEqual([[], 2]);
    expect(await erase('keyofanna')).toMatchObject({ events: 0 });
  });

  it('goes on beside events that arrive, and takes one erasure at a time', async () => {
    for (let n = 0; n < 20; n++) await chat('session-anna', 'keyofanna', `anna-${n}-`);
    let going = true;
    let added = 0;
    const arriving = (async () => {
      while (going) {
        await chat('session-bert', 'keyofbert', 'bert1');
        added++;
      }
    })();
    const first = ledger.erase({ session: 'session-anna' });
    await expect(ledger.erase({ session: 'session-anna' })).rejects.toMatchObject({ code: 'conflict' });
    const { events } = await first;
    going = false;
    await arriving;
    expect(events).toBe(20);
    expect(ledger.status().size).toBe(20 + added + 1);
    expect(holding('anna-')).toEqual([]);
    expect(await verify()).toEqual([]);
  });

  it('finds nothing twice, and says so', async () => {
    await chat('session-anna', 'keyofanna', 'anna1');
    expect((await ledger.erase({ session: 'session-anna' })).texts).toBe(4);
    expect(await ledger.erase({ session: 'session-anna' })).toMatchObject({ events: 0, texts: 0 });
    expect(await ledger.erase({ ids: [999_999] })).toMatchObject({ events: 0, texts: 0 });
  });

  it.each<[EraseSelector]>([
    [{ ids: [] }],
    [{ ids: [-1] }],
    [{ ids: [0.5] }],
    [{ ids: Array.from({ length: 1001 }, (_, n) => n) }],
    [{ before: -1 }],
    [{ before: Number.NaN }],
    [{ session: '' }],
    [{ key: 'x'.repeat(257) }],
  ])('refuses %j', async (selector) => {
    await expect(ledger.erase(selector)).rejects.toThrow(RangeError);
    expect(ledger.status().size).toBe(0);
  });
});
