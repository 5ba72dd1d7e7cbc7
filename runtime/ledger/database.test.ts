import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import { Database } from '../contracts/sqlite.js';
import { applicationId, migrations, openForWriting } from './database.js';
import { openLedger } from './ledger.js';
import { sizeLimitBytesDefault } from './pruner.js';
import { parseVerifierKey } from './tlog/note-key.js';
import { verifyLog } from './tlog/verify-log.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-database-'));
  file = join(folder, 'ledger.sqlite');
});

afterEach(() => rmSync(folder, { recursive: true }));

const options = () => ({
  file,
  bootId: 'boot-1',
  clock: systemClock,
  queueMax: 1000,
  batchMax: 64,
  onFailure: (error: Error) => {
    throw error;
  },
});

async function fill(count: number): Promise<void> {
  const ledger = await openLedger(options());
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      ledger.append({ type: 'system_error', module: 'kernel', data: { name: `n${n}` } }),
    ),
  );
  await ledger.close();
}

function change(sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

describe('the connection that writes', () => {
  it('has the settings that durability and erasure rest on', () => {
    const { db, size } = openForWriting(file, sizeLimitBytesDefault);
    expect(size).toBe(0);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    expect(db.pragma('secure_delete', { simple: true })).toBe(1);
    db.close();
  });

  it('writes no index beside the tables: each would be pages more in every transaction', () => {
    const { db } = openForWriting(file, sizeLimitBytesDefault);
    expect(
      db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`).all(),
    ).toEqual([]);
    db.close();
  });
});

describe('a file that cannot be used is refused with what was found and what to do, and left as it is', () => {
  it('newer', async () => {
    await fill(3);
    change('PRAGMA user_version = 99');
    await expect(openLedger(options())).rejects.toMatchObject({
      name: 'LedgerFileError',
      code: 'ledger_newer',
      message: expect.stringMatching(/schema version 99.*versions up to \d+.*Nothing was changed/),
    });
    change(`PRAGMA user_version = ${migrations.length}`);
    const ledger = await openLedger(options());
    expect(ledger.status().size).toBe(3);
    await ledger.close();
  });

  it('of another program', async () => {
    change('CREATE TABLE shopping (item TEXT)');
    const before = readFileSync(file);
    await expect(openLedger(options())).rejects.toMatchObject({ code: 'ledger_foreign' });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('no SQLite file at all', async () => {
    writeFileSync(file, 'once upon a time, '.repeat(500));
    const before = readFileSync(file);
    await expect(openLedger(options())).rejects.toMatchObject({
      code: 'ledger_corrupt',
      message: expect.stringMatching(/not a database.*Nothing was deleted/),
    });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('cut short', async () => {
    await fill(500);
    const whole = readFileSync(file);
    writeFileSync(file, whole.subarray(0, Math.floor(whole.length / 2)));
    await expect(openLedger(options())).rejects.toMatchObject({ code: 'ledger_corrupt' });
    expect(readFileSync(file)).toHaveLength(Math.floor(whole.length / 2));
  });

  it('with a gap near its end', async () => {
    await fill(20);
    change('DELETE FROM events WHERE "index" = 12');
    await expect(openLedger(options())).rejects.toMatchObject({
      code: 'ledger_corrupt',
      message: expect.stringContaining('event 12 is missing'),
    });
  });

  it('with a changed leaf near its end', async () => {
    await fill(20);
    change(
      `UPDATE events SET leaf = CAST(replace(CAST(leaf AS TEXT), '"n7"', '"n8"') AS BLOB) WHERE "index" = 7`,
    );
    await expect(openLedger(options())).rejects.toMatchObject({
      code: 'ledger_corrupt',
      message: expect.stringContaining('event 7 does not have the hash'),
    });
  });

  it('a folder, or nowhere to put it', async () => {
    mkdirSync(file);
    await expect(openLedger(options())).rejects.toMatchObject({ code: 'ledger_unusable' });
    await expect(openLedger({ ...options(), file: join(folder, 'missing', 'x') })).rejects.toMatchObject({
      code: 'ledger_unusable',
    });
  });
});

/** Makes the file anew as a program of that schema version left it, with what it knew of the data. */
function downgrade(version: number): void {
  const newer = join(folder, 'newer');
  renameSync(file, newer);
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  for (const migration of migrations.slice(0, version)) db.exec(migration);
  db.exec(`ATTACH '${newer}' AS newer`);
  const tables = db
    .prepare(`SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .pluck()
    .all() as string[];
  for (const table of tables) {
    const columns = (db.pragma(`main.table_info(${table})`) as { name: string }[]).map(
      ({ name }) => `"${name}"`,
    );
    db.exec(`INSERT INTO main.${table} (${columns}) SELECT ${columns} FROM newer.${table}`);
  }
  db.exec('DETACH newer');
  db.pragma(`user_version = ${version}`);
  db.pragma(`application_id = ${applicationId}`);
  db.close();
  rmSync(newer);
}

describe('a file of an earlier program', () => {
  it.each(migrations.slice(1).map((_, i) => i + 1))(
    'of schema version %i is brought up to date: every event, text and checkpoint, and the log goes on',
    async (version) => {
      await fill(600);
      const before = new Database(file);
      const leaves = before.prepare('SELECT leaf, leaf_hash FROM events ORDER BY "index"').all();
      before.close();
      downgrade(version);
      const ledger = await openLedger(options());
      expect(ledger.status()).toMatchObject({ size: 600, minimum_index: 0 });
      await ledger.append({ type: 'decision_made', module: 'kernel', data: {}, texts: { context: 'typed' } });
      const { verifierKey } = ledger.log;
      await ledger.close();
      const db = new Database(file);
      expect(db.pragma('user_version', { simple: true })).toBe(migrations.length);
      expect(db.prepare('SELECT leaf, leaf_hash FROM events ORDER BY "index" LIMIT 600').all()).toEqual(
        leaves,
      );
      expect(verifyLog(db, parseVerifierKey(verifierKey))).toMatchObject({
        size: 601,
        vouched: 601,
        faults: [],
      });
      db.close();
    },
  );
});
