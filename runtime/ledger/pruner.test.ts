import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import type { NewEvent } from '../contracts/ledger.js';
import { Database } from '../contracts/sqlite.js';
import { openForReading } from './database.js';
import { openLedger, type SqliteLedger } from './ledger.js';
import { verifyConsistency, verifyInclusion } from './merkle/verify.js';
import { parseCheckpoint } from './tlog/checkpoint.js';
import { openNote } from './tlog/note.js';
import { parseVerifierKey } from './tlog/note-key.js';
import { verifyLog } from './tlog/verify-log.js';

const limit = 8_000_000;
let folder: string;
let file: string;
let ledger: SqliteLedger;

const open = (sizeLimitBytes = limit) =>
  openLedger({
    file,
    bootId: 'boot-1',
    clock: systemClock,
    queueMax: 10_000,
    batchMax: 200,
    sizeLimitBytes,
    onFailure: (error) => {
      throw error;
    },
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-pruner-'));
  file = join(folder, 'ledger.sqlite');
  ledger = await open();
});

afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});

const bytes = () =>
  ['', '-wal'].reduce((sum, end) => sum + (statSync(file + end, { throwIfNoEntry: false })?.size ?? 0), 0);

const padding = 'x'.repeat(700);
const decision = (n: number): NewEvent => ({
  type: 'decision_made',
  module: 'kernel',
  stream: 's',
  data: { n, padding },
  texts: { context: `typed ${n}` },
});

/** Appends in rounds and looks at the size after each. Returns the largest. */
async function add(count: number, event = decision, round = 200): Promise<number> {
  let largest = 0;
  for (let from = 0; from < count; from += round) {
    await Promise.all(
      Array.from({ length: Math.min(round, count - from) }, (_, i) => ledger.append(event(from + i))),
    );
    largest = Math.max(largest, bytes());
  }
  return largest;
}

/** Appends until the minimum index has moved so often. */
async function addUntilPruned(moves: number): Promise<void> {
  let last = ledger.status().minimum_index;
  for (let moved = 0; moved < moves; ) {
    await add(200);
    const { minimum_index } = ledger.status();
    if (minimum_index > last) moved++;
    last = minimum_index;
  }
}

function read<T>(sql: string, ...values: unknown[]): T {
  const db = openForReading(file);
  try {
    return db
      .prepare(sql)
      .pluck()
      .get(...values) as T;
  } finally {
    db.close();
  }
}

function verify() {
  const db = openForReading(file);
  try {
    return verifyLog(db, parseVerifierKey(ledger.log.verifierKey));
  } finally {
    db.close();
  }
}

const hex = (text: string) => Buffer.from(text, 'hex');
const opened = (note: string) =>
  parseCheckpoint(openNote(note, [parseVerifierKey(ledger.log.verifierKey)]).text);

describe('the size of the ledger', () => {
  it('stays below the limit, whatever arrives, and what is left holds', async () => {
    expect(await add(20_000)).toBeLessThan(limit);
    const { minimum_index, size, limit_bytes, bytes: told } = ledger.status();
    expect(minimum_index % 256).toBe(0);
    expect(minimum_index).toBeGreaterThan(10_000);
    // Not more than needed: most of the room is used.
    expect(told).toBeGreaterThan(limit / 2);
    expect(limit_bytes).toBe(limit);
    expect(size).toBeGreaterThan(20_000);
    await ledger.log.covering(size);
    expect(verify()).toMatchObject({ minimum: minimum_index, size, vouched: size, faults: [] });
  });

  it('stays below it also when large texts follow small events, and takes texts along', async () => {
    await add(6000);
    const text = 'long text '.repeat(600);
    const wordy = (n: number): NewEvent => ({
      type: 'decision_made',
      module: 'zeroia',
      data: { n },
      texts: { answer: text },
    });
    expect(await add(3000, wordy, 50)).toBeLessThan(limit);
    const first = read<number>('SELECT min("index") FROM events');
    expect(read('SELECT count(*) FROM texts WHERE event_index < ?', first)).toBe(0);
  });

  it('gives room back when the limit was lowered', async () => {
    await ledger.close();
    rmSync(folder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'arkalia-pruner-'));
    file = join(folder, 'ledger.sqlite');
    ledger = await open(32_000_000);
    await add(15_000);
    expect(ledger.status().minimum_index).toBe(0);
    expect(bytes()).toBeGreaterThan(2 * limit);
    await ledger.close();
    ledger = await open();
    await add(20_000);
    expect(bytes()).toBeLessThan(limit);
    expect(verify().faults).toEqual([]);
  });

  it('is told: an event for each move, with the index that the status and the file say', async () => {
    await addUntilPruned(3);
    const { minimum_index, size } = ledger.status();
    const events = await ledger.query({ type: 'log_pruned', limit: 100, order: 'asc' });
    expect(events.length).toBeGreaterThanOrEqual(3);
    expect(events.at(-1)!.data).toMatchObject({ minimum_index, limit_bytes: limit });
    for (const [i, event] of events.entries()) {
      if (i > 0) expect(event.data.was).toBe(events[i - 1]!.data.minimum_index);
    }
    expect(read('SELECT minimum FROM log')).toBe(minimum_index);
    const [oldest] = await ledger.query({ limit: 1, order: 'asc' });
    expect(oldest!.index).toBe(minimum_index);
    const newest = await ledger.query({ limit: 1, order: 'desc' });
    expect(newest[0]!.index).toBe(size - 1);
  });

  it('goes on after a restart with the same tree and the same minimum', async () => {
    await addUntilPruned(2);
    const before = ledger.status();
    const note = opened(await ledger.log.covering(before.size));
    await ledger.close();
    ledger = await open();
    expect(ledger.status()).toMatchObject({ size: before.size, minimum_index: before.minimum_index });
    await add(1000);
    const { size } = ledger.status();
    const later = opened(await ledger.log.covering(size));
    const proof = await ledger.log.consistency({ from: note.size, to: later.size });
    expect(
      verifyConsistency({ ...proof, rootFrom: note.root, rootTo: later.root, proof: proof.hashes.map(hex) }),
    ).toBe(true);
    expect(verify().faults).toEqual([]);
  });
});

describe('a pruned log', () => {
  it('refuses what is below the minimum, serves the rest, and old receipts still verify', async () => {
    await add(300);
    const old = await ledger.log.inclusion({ index: 17 });
    await addUntilPruned(2);
    const { minimum_index: minimum, size } = ledger.status();
    const { log } = ledger;
    const pruned = { code: 'pruned', status: 410, details: { minimum_index: minimum } };
    const bundle = minimum / 256;
    await expect(log.entries({ number: bundle - 1, width: 256 })).rejects.toMatchObject(pruned);
    await expect(log.tile({ level: 0, number: bundle - 1, width: 256 })).rejects.toMatchObject(pruned);
    await expect(log.inclusion({ index: minimum - 1 })).rejects.toMatchObject(pruned);
    await expect(log.consistency({ from: 17, to: size })).rejects.toMatchObject(pruned);
    expect(await log.entries({ number: bundle, width: 256 })).not.toBeNull();
    expect(await log.tile({ level: 0, number: bundle, width: 256 })).not.toBeNull();
    expect(await log.tile({ level: 1, number: 0, width: bundle })).toHaveLength(32 * bundle);

    const [served] = await ledger.query({ module: 'kernel', limit: 1, order: 'asc' });
    expect(served!.index).toBe(minimum);
    const db = openForReading(file);
    const first = db.prepare('SELECT min("index") FROM events').pluck().get() as number;
    const summed = db.prepare('SELECT min(number) FROM bundles').pluck().get();
    db.close();
    expect(summed).toBe(Math.floor(first / 256));

    const root = opened(old.checkpoint!).root;
    const claim = { ...old, leafHash: hex(old.leaf_hash), root, proof: old.hashes.map(hex) };
    expect(verifyInclusion(claim)).toBe(true);
    for (const index of [minimum, minimum + 255, size - 1]) {
      const proof = await log.inclusion({ index });
      const signed = opened(proof.checkpoint!);
      expect(
        verifyInclusion({
          ...proof,
          leafHash: hex(proof.leaf_hash),
          root: signed.root,
          proof: proof.hashes.map(hex),
        }),
      ).toBe(true);
    }
    const from = 256 * 3;
    const consistency = await log.consistency({ from, to: size });
    expect(consistency.hashes.length).toBeGreaterThan(0);
  });

  it.each([
    ['an entry', 'UPDATE events SET leaf = zeroblob(9) WHERE "index" = @at', 3],
    ['the root of a pruned tile', 'UPDATE tiles SET root = zeroblob(32) WHERE level = 0 AND number = 1', 0],
    ['the minimum', 'UPDATE log SET minimum = minimum + 256', 256],
    ['a tile', 'UPDATE tiles SET hashes = NULL WHERE level = 0 AND number = @tile', 256],
  ])('shows that %s was changed', async (_, sql, offset) => {
    await addUntilPruned(2);
    await ledger.close();
    const minimum = ledger.status().minimum_index;
    const db = new Database(file);
    db.prepare(sql).run(
      ...(sql.includes('@') ? [{ at: minimum + offset, tile: (minimum + offset) / 256 }] : []),
    );
    db.close();
    const { faults } = verify();
    expect(faults.length).toBeGreaterThan(0);
    expect(faults[0]!.index).toBe(minimum + offset);
  });
});
