import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../contracts/clock.js';
import { Database } from '../../contracts/sqlite.js';
import { openForReading } from '../database.js';
import { openLedger, type SqliteLedger } from '../ledger.js';
import { SlowTree } from '../merkle/testing/slow-tree.js';
import { verifyConsistency, verifyInclusion } from '../merkle/verify.js';
import { parseCheckpoint } from './checkpoint.js';
import { openNote } from './note.js';
import { parseVerifierKey } from './note-key.js';
import { verifyLog } from './verify-log.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-log-'));
  file = join(folder, 'ledger.sqlite');
});

afterEach(() => rmSync(folder, { recursive: true }));

const open = () =>
  openLedger({
    file,
    bootId: 'boot-1',
    clock: systemClock,
    queueMax: 10_000,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });

async function add(ledger: SqliteLedger, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      ledger.append({ type: 'system_error', module: 'kernel', data: { name: `n${n}` } }),
    ),
  );
}

/** A closed ledger of so many events, with one checkpoint over them all, whatever the pace was; its verifier key. */
async function fill(count: number): Promise<string> {
  const ledger = await open();
  await add(ledger, count);
  await ledger.close();
  change('DELETE FROM checkpoints WHERE size < (SELECT max(size) FROM checkpoints)');
  return ledger.log.verifierKey;
}

function change(sql: string, ...values: unknown[]): void {
  const db = new Database(file);
  db.prepare(sql).run(...values);
  db.close();
}

function verify(key: string) {
  const db = openForReading(file);
  try {
    return verifyLog(db, parseVerifierKey(key));
  } finally {
    db.close();
  }
}

const hex = (text: string) => Buffer.from(text, 'hex');
const leaves = () => {
  const db = openForReading(file);
  const all = db.prepare('SELECT leaf FROM events ORDER BY "index"').pluck().all() as Buffer[];
  db.close();
  return new SlowTree(all);
};

describe('the log of a ledger', () => {
  it('signs what is recorded, proves it, and goes on after a restart under the same name', async () => {
    const ledger = await open();
    const { verifierKey } = ledger.log;
    const verifier = parseVerifierKey(verifierKey);
    const read = (note: string) => parseCheckpoint(openNote(note, [verifier]).text);
    await add(ledger, 300);
    const first = read(await ledger.log.covering(300));
    await add(ledger, 400);
    const second = read(await ledger.log.covering(700));
    await ledger.close();
    const slow = leaves();
    expect([first.size, second.size]).toEqual([300, 700]);
    expect(second.origin).toBe(verifier.name);
    expect(slow.hash(0, 300).equals(first.root)).toBe(true);
    expect(slow.hash(0, 700).equals(second.root)).toBe(true);

    const again = await open();
    expect(again.log.verifierKey).toBe(verifierKey);
    await add(again, 100);
    const third = read(await again.log.covering(800));
    for (const index of [0, 255, 256, 511, 699, 799]) {
      const proof = await again.log.inclusion({ index });
      expect(read(proof.checkpoint!)).toEqual(third);
      const claim = {
        ...proof,
        leafHash: hex(proof.leaf_hash),
        root: third.root,
        proof: proof.hashes.map(hex),
      };
      expect(verifyInclusion(claim)).toBe(true);
    }
    for (const { size, root } of [first, second, third]) {
      const proof = await again.log.consistency({ from: size, to: 800 });
      const claim = { ...proof, rootFrom: root, rootTo: third.root, proof: proof.hashes.map(hex) };
      expect(verifyConsistency(claim)).toBe(true);
    }
    await again.close();
    expect(verify(verifierKey)).toMatchObject({ size: 800, tiles: 3, faults: [] });
  });

  it('makes one checkpoint for all who wait, none when nothing was added, and none of nothing twice', async () => {
    const ledger = await open();
    const empty = await Promise.all([ledger.log.checkpoint(), ledger.log.checkpoint()]);
    expect(new Set(empty).size).toBe(1);
    await add(ledger, 20);
    const notes = await Promise.all([
      ledger.log.covering(20),
      ledger.log.covering(3),
      ledger.log.covering(20),
    ]);
    expect(new Set(notes).size).toBe(1);
    expect(await ledger.log.checkpoint()).toBe(notes[0]);
    await ledger.close();
    for (let round = 0; round < 2; round++) {
      const again = await open();
      expect(await again.log.checkpoint()).toBe(notes[0]);
      await again.close();
    }
    const db = openForReading(file);
    expect(db.prepare('SELECT size FROM checkpoints').pluck().all()).toEqual([0, 20]);
    db.close();
  });

  it('signs on its own, after the last event too', async () => {
    const ledger = await open();
    await add(ledger, 20);
    await add(ledger, 20);
    const db = openForReading(file);
    const newest = db.prepare('SELECT max(size) FROM checkpoints').pluck();
    await vi.waitUntil(() => newest.get() === 40, { timeout: 20_000, interval: 50 });
    db.close();
    expect(await ledger.log.checkpoint()).toContain('\n40\n');
    await ledger.close();
  });

  it('covers the last few events when it closes', async () => {
    await fill(3);
    const db = openForReading(file);
    expect(db.prepare('SELECT size FROM checkpoints').pluck().all()).toEqual([3]);
    db.close();
  });

  it('serves full and partial tiles and bundles, and nothing beyond the log', async () => {
    await fill(600);
    const slow = leaves();
    const ledger = await open();
    const { log } = ledger;
    for (const [level, number, width] of [
      [0, 0, 256],
      [0, 0, 17],
      [0, 2, 88],
      [0, 2, 1],
      [1, 0, 2],
      [1, 0, 1],
    ] as const) {
      const span = 256 ** level;
      const first = number * 256 * span;
      const expected = Array.from({ length: width }, (_, i) =>
        slow.hash(first + i * span, first + (i + 1) * span),
      );
      expect(await log.tile({ level, number, width })).toEqual(new Uint8Array(Buffer.concat(expected)));
    }
    for (const [level, number, width] of [
      [0, 2, 89],
      [0, 2, 256],
      [0, 3, 1],
      [1, 0, 3],
      [1, 0, 256],
      [2, 0, 1],
      [63, 2 ** 40, 256],
    ] as const) {
      expect(await log.tile({ level, number, width })).toBeNull();
    }
    const bundle = Buffer.from((await log.entries({ number: 2, width: 88 }))!);
    let at = 0;
    for (let index = 512; index < 600; index++) {
      const end = at + 2 + bundle.readUInt16BE(at);
      expect(
        new SlowTree([bundle.subarray(at + 2, end)]).hash(0, 1).equals(slow.hash(index, index + 1)),
      ).toBe(true);
      at = end;
    }
    expect(at).toBe(bundle.byteLength);
    expect(await log.entries({ number: 2, width: 89 })).toBeNull();
    expect(await log.entries({ number: 3, width: 1 })).toBeNull();
    await ledger.close();
    await expect(log.tile({ level: 0, number: 0, width: 1 })).rejects.toMatchObject({
      code: 'ledger_unavailable',
    });
    await expect(log.covering(1000)).rejects.toThrow(RangeError);
  });

  it('refuses bounds that make no sense, by name and value', async () => {
    const ledger = await open();
    await add(ledger, 10);
    const { log } = ledger;
    await expect(log.inclusion({ index: 10 })).rejects.toThrow(/index is an integer from 0 to 9, not 10/);
    await expect(log.inclusion({ index: 4, size: 4 })).rejects.toThrow(
      /size is an integer from 5 to 10, not 4/,
    );
    await expect(log.inclusion({ index: 4, size: 11 })).rejects.toThrow(/not 11/);
    await expect(log.consistency({ from: 0, to: 4 })).rejects.toThrow(
      /from is an integer from 1 to 4, not 0/,
    );
    await expect(log.consistency({ from: 5, to: 4 })).rejects.toThrow(/not 5/);
    await expect(log.consistency({ from: 1, to: 11 })).rejects.toThrow(/not 11/);
    await expect(log.tile({ level: 64, number: 0, width: 1 })).rejects.toThrow(/level/);
    await expect(log.tile({ level: 0, number: -1, width: 1 })).rejects.toThrow(/number/);
    await expect(log.entries({ number: 0, width: 257 })).rejects.toThrow(/width/);
    await expect(log.covering(11)).rejects.toThrow(/has 10 events, not 11/);
    await ledger.close();
    await expect(log.covering(10))
      .resolves.toContain('\n10\n')
      .catch(() => undefined);
  });

  it('gives a file from before there were tiles its tiles and a name', async () => {
    await fill(700);
    const tiles = () => {
      const db = openForReading(file);
      const all = db.prepare('SELECT * FROM tiles ORDER BY level, number').all();
      db.close();
      return all;
    };
    const before = tiles();
    expect(before).toHaveLength(2);
    for (const table of ['tiles', 'checkpoints', 'log', 'bundles']) change(`DROP TABLE ${table}`);
    for (const column of ['type', 'stream']) change(`CREATE INDEX events_by_${column} ON events (${column})`);
    const db = new Database(file);
    db.pragma('user_version = 1');
    db.close();
    const key = await fill(1);
    expect(tiles()).toEqual(before);
    expect(key).toContain('/2+');
    expect(verify(key)).toMatchObject({ size: 701, faults: [] });
  });

  it('begins another epoch for another file, so that no name is used for two logs', async () => {
    const first = await fill(3);
    rmSync(file);
    const second = await fill(3);
    expect(parseVerifierKey(second).name).toBe(parseVerifierKey(first).name.replace(/1$/, '2'));
  });
});

describe('a file that does not hold is refused, and the first event that does not hold is named', () => {
  /** A byte of a BLOB changed, wherever it is. */
  const flip = (table: string, column: string, where: string, at: number) => {
    const db = new Database(file);
    const blob = db.prepare(`SELECT ${column} FROM ${table} WHERE ${where}`).pluck().get() as Buffer;
    blob[at]! ^= 1;
    db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(blob);
    db.close();
  };
  const refused = async (message: RegExp) => {
    const before = readFileSync(file);
    await expect(open()).rejects.toMatchObject({
      code: 'ledger_corrupt',
      message: expect.stringMatching(message),
    });
    expect(readFileSync(file).equals(before)).toBe(true);
  };

  it.each([
    ['a hash in a tile', () => flip('tiles', 'hashes', 'level = 0 AND number = 1', 32 * 44), 300],
    ['the root of a tile', () => flip('tiles', 'root', 'level = 0 AND number = 1', 5), 256],
    [
      'a tile cut short',
      () => change('UPDATE tiles SET hashes = substr(hashes, 1, 32) WHERE number = 1'),
      257,
    ],
    ['a missing tile', () => change('DELETE FROM tiles WHERE number = 1'), 256],
    [
      'the signature of the last checkpoint',
      () => change("UPDATE checkpoints SET note = replace(note, '— ', '— x')"),
      0,
    ],
    ['the size in a checkpoint', () => change('UPDATE checkpoints SET size = 599'), 0],
    ['events taken from the end', () => change('DELETE FROM events WHERE "index" >= 590'), 590],
  ])('%s', async (_, damage, index) => {
    const key = await fill(600);
    damage();
    expect(verify(key).faults[0]?.index).toBe(index);
    await refused(new RegExp(`event ${index}: `));
  });

  it.each([
    ['an entry', () => flip('events', 'leaf', '"index" = 100', 20), 100, /entry does not have the hash/],
    [
      'a recorded leaf hash',
      () => flip('events', 'leaf_hash', '"index" = 100', 20),
      100,
      /leaf hash is not that/,
    ],
    ['a missing entry', () => change('DELETE FROM events WHERE "index" = 100'), 100, /missing/],
  ])('%s far from the end is found by verification alone', async (_, damage, index, what) => {
    const key = await fill(600);
    damage();
    expect(verify(key).faults).toEqual([{ index, what: expect.stringMatching(what) }]);
    await (await open()).close();
  });

  it('an event that was rewritten with its hash and tile: the checkpoint convicts it', async () => {
    const ledger = await open();
    await add(ledger, 300);
    await ledger.log.covering(300);
    await add(ledger, 300);
    await ledger.close();
    change('DELETE FROM checkpoints WHERE size NOT IN (300, 600)');
    const key = ledger.log.verifierKey;
    const db = new Database(file);
    const forged = Buffer.from('{"forged":true}');
    const hash = new SlowTree([forged]).hash(0, 1);
    db.prepare('UPDATE events SET leaf = ?, leaf_hash = ? WHERE "index" = 590').run(forged, hash);
    db.close();
    // Nothing but the signature is left to tell: what was signed before still holds, so the fault is behind it.
    expect(verify(key).faults).toEqual([
      { index: 300, what: expect.stringMatching(/checkpoint of size 600 has another root/) },
    ]);
    await refused(/event 300: /);
  });

  it('several faults are told in order, and what follows from them is not told again', async () => {
    const key = await fill(1200);
    flip('events', 'leaf', '"index" = 1100', 3);
    flip('tiles', 'hashes', 'level = 0 AND number = 2', 0);
    flip('events', 'leaf', '"index" = 7', 3);
    expect(verify(key).faults.map(({ index }) => index)).toEqual([7, 512, 1100]);
  });

  it('a forged signature', async () => {
    const key = await fill(10);
    const note = readFileSync(file, 'latin1').match(/ arkalia-\S+ (\S{92})\n/)?.[1];
    expect(note).toBeDefined();
    const bytes = Buffer.from(note!, 'base64');
    bytes[10]! ^= 1;
    change('UPDATE checkpoints SET note = replace(note, ?, ?)', note, bytes.toString('base64'));
    expect(verify(key).faults).toEqual([
      { index: 0, what: expect.stringMatching(/signature of .* does not hold/) },
    ]);
    await refused(/event 0: /);
  });
});

describe('the key belongs to the file', () => {
  it('refuses a file without its key, or beside another, and makes no new one', async () => {
    await fill(3);
    const keyFile = join(folder, 'log-key.json');
    const key = readFileSync(keyFile, 'utf8');
    rmSync(keyFile);
    await expect(open()).rejects.toMatchObject({
      code: 'ledger_foreign',
      message: expect.stringMatching(/log-key\.json beside it is missing.*Put the key file/),
    });
    expect(existsSync(keyFile)).toBe(false);
    const other = JSON.parse(key);
    writeFileSync(keyFile, JSON.stringify({ ...other, seed: Buffer.alloc(32).toString('base64') }));
    await expect(open()).rejects.toMatchObject({ code: 'ledger_foreign' });
    writeFileSync(keyFile, 'broken');
    await expect(open()).rejects.toMatchObject({ code: 'ledger_unusable' });
    writeFileSync(keyFile, key);
    await (await open()).close();
  });
});
