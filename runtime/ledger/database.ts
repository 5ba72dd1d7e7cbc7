import { chmodSync } from 'node:fs';
import type { Database as Connection, Options } from 'better-sqlite3';
import { Database } from '../contracts/sqlite.js';

import { leafHash } from './leaf.js';
import { LedgerFileError } from './ledger-file-error.js';
import { checkpointPagesFast } from './pace.js';
import { reserveBytes } from './pruner.js';

/** Marks a SQLite file as a ledger of ours: "ARKL". */
export const applicationId = 0x41524b4c;

/** Statement lists that take a file from version n to n + 1. Never change one that was released; add the next. */
export const migrations: readonly string[] = [
  `CREATE TABLE events (
     "index" INTEGER PRIMARY KEY,
     type TEXT NOT NULL,
     module TEXT NOT NULL,
     stream TEXT,
     correlation_id TEXT,
     time_ms INTEGER NOT NULL,
     leaf BLOB NOT NULL,
     leaf_hash BLOB NOT NULL
   ) STRICT;
   CREATE INDEX events_by_type ON events (type);
   CREATE INDEX events_by_stream ON events (stream) WHERE stream IS NOT NULL;
   CREATE TABLE texts (
     event_index INTEGER NOT NULL REFERENCES events ("index"),
     name TEXT NOT NULL,
     salt BLOB NOT NULL,
     text BLOB NOT NULL,
     PRIMARY KEY (event_index, name)
   ) STRICT, WITHOUT ROWID;`,
  // Of a tile only the root is needed once it was pruned, so it stands in front of the hashes, on the page of the row itself.
  `CREATE TABLE tiles (
     level INTEGER NOT NULL,
     number INTEGER NOT NULL,
     root BLOB NOT NULL,
     hashes BLOB,
     PRIMARY KEY (level, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE checkpoints (
     size INTEGER PRIMARY KEY,
     time_ms INTEGER NOT NULL,
     note TEXT NOT NULL
   ) STRICT;
   CREATE TABLE log (
     id INTEGER PRIMARY KEY CHECK (id = 0),
     verifier_key TEXT NOT NULL
   ) STRICT;`,
  // `minimum`: entries and tiles of level 0 below this index are pruned. `previous`: the last checkpoint of the log before this one.
  `ALTER TABLE log ADD COLUMN minimum INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE log ADD COLUMN previous TEXT;`,
  // One row for each full bundle of 256 events: search/summaries.ts fills it, also for events that are there already.
  `CREATE TABLE bundles (
     number INTEGER PRIMARY KEY,
     time_min INTEGER NOT NULL,
     time_max INTEGER NOT NULL,
     items BLOB
   ) STRICT;`,
  // The latest wall time that was believed, for a limit by age: age-limit.ts.
  'ALTER TABLE log ADD COLUMN clock_ms INTEGER',
  // Summaries tell types and streams too, so they are made again; the indexes were a third of the pages that a small transaction writes.
  `DROP INDEX events_by_type;
   DROP INDEX events_by_stream;
   DELETE FROM bundles;`,
];

/** From this version on a file holds all that reading needs; what came later makes it faster, or is the writer's. */
const readableFrom = 4;

/** How long a lock of another connection (a backup, say) is waited for before a commit counts as failed. */
const busyTimeoutMs = 10_000;
/** The write-ahead log is cut back to this after a burst. */
const walBytesMax = 33_554_432;
/** Events at the end of the log that are checked when it is opened. */
const tailChecked = 256;

interface OpenedDatabase {
  db: Connection;
  /** Number of events, so the index of the next one. */
  size: number;
}

/**
 * Opens the ledger's file for writing, creates or migrates it, and checks that it is whole at its end.
 * @throws LedgerFileError; the file is then as it was.
 */
export function openForWriting(file: string, sizeLimitBytes: number): OpenedDatabase {
  const db = connect(file, { timeout: busyTimeoutMs });
  try {
    checkIsOurs(db, file);
    chmodSync(file, 0o600);
    setPragmas(db, file, sizeLimitBytes);
    migrate(db);
    return { db, size: checkTail(db, file) };
  } catch (error) {
    db.close();
    throw fileError(file, error);
  }
}

/** Opens the ledger's file for reading; sees every committed event and stops no commit. */
export function openForReading(file: string): Connection {
  return connect(file, { readonly: true, fileMustExist: true, timeout: busyTimeoutMs });
}

/**
 * Opens a ledger to check or to export it, of a running server, a backup or a copy; nothing is changed.
 * @throws LedgerFileError also for a ledger that a much older program wrote, without tiles or summaries.
 */
export function openForVerifying(file: string): Connection {
  const db = openForReading(file);
  try {
    checkIsOurs(db, file);
    const version = db.pragma('user_version', { simple: true }) as number;
    if (version < readableFrom) {
      throw new LedgerFileError(
        'ledger_unusable',
        `${file} has schema version ${version} of an older Arkalia. Start the server once: it brings the file to version ${migrations.length}.`,
      );
    }
    return db;
  } catch (error) {
    db.close();
    throw fileError(file, error);
  }
}

function connect(file: string, options: Options): Connection {
  try {
    return new Database(file, options);
  } catch (error) {
    throw fileError(file, error);
  }
}

function checkIsOurs(db: Connection, file: string): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  const id = db.pragma('application_id', { simple: true }) as number;
  const objects = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (id !== applicationId && (objects > 0 || version !== 0 || id !== 0)) {
    throw new LedgerFileError(
      'ledger_foreign',
      `${file} is a SQLite file, but not a ledger of Arkalia (application id ${id}, ${objects} tables and indexes). Nothing was changed. Choose another data_dir, or move the file away to start a new ledger.`,
    );
  }
  if (version > migrations.length) {
    throw new LedgerFileError(
      'ledger_newer',
      `${file} has schema version ${version}; this program knows versions up to ${migrations.length}. Nothing was changed. Start the newer Arkalia that wrote it, or move the file away to start a new ledger.`,
    );
  }
}

function setPragmas(db: Connection, file: string, sizeLimitBytes: number): void {
  // Free pages are used again; they are given back where the limit was lowered. It can be chosen for an empty file only.
  if (db.pragma('page_count', { simple: true }) === 0) db.pragma('auto_vacuum = INCREMENTAL');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('secure_delete = ON');
  db.pragma('foreign_keys = ON');
  const reserve = reserveBytes(sizeLimitBytes);
  const pageBytes = db.pragma('page_size', { simple: true }) as number;
  db.pragma(`wal_autocheckpoint = ${Math.min(checkpointPagesFast, Math.floor(reserve / 4 / pageBytes))}`);
  db.pragma(`journal_size_limit = ${Math.min(walBytesMax, Math.floor(reserve / 2))}`);
  // Read back: a file system without shared memory refuses WAL silently, and a build may ignore the others.
  const wanted = { journal_mode: 'wal', synchronous: 2, secure_delete: 1 };
  for (const [name, value] of Object.entries(wanted)) {
    const actual = db.pragma(name, { simple: true });
    if (actual !== value) {
      throw new LedgerFileError(
        'ledger_unusable',
        `${file}: SQLite keeps ${name} at ${String(actual)} instead of ${value}, so nothing could be promised as durable. Put data_dir on a local disk.`,
      );
    }
  }
}

function migrate(db: Connection): void {
  db.transaction(() => {
    const version = db.pragma('user_version', { simple: true }) as number;
    // Setting the version writes a page, also to what it was.
    if (version === migrations.length) return;
    for (const migration of migrations.slice(version)) db.exec(migration);
    db.pragma(`user_version = ${migrations.length}`);
    db.pragma(`application_id = ${applicationId}`);
  }).immediate();
}

/** The last events follow each other without a gap and have the hashes they say; returns the size of the log. */
function checkTail(db: Connection, file: string): number {
  const rows = db
    .prepare('SELECT "index", leaf, leaf_hash AS hash FROM events ORDER BY "index" DESC LIMIT ?')
    .all(tailChecked) as { index: number; leaf: Buffer; hash: Buffer }[];
  const last = rows[0];
  if (last === undefined) return 0;
  for (const [place, row] of rows.entries()) {
    const expected = last.index - place;
    if (row.index !== expected) {
      throw damaged(file, `event ${expected} is missing`);
    }
    if (leafHash(row.leaf) !== row.hash.toString('hex')) {
      throw damaged(file, `event ${row.index} does not have the hash that was recorded with it`);
    }
  }
  return last.index + 1;
}

/** The file does not hold what it should. */
export function damaged(file: string, found: string, cause?: unknown): LedgerFileError {
  return new LedgerFileError(
    'ledger_corrupt',
    `${file} is damaged: ${found}. Nothing was deleted. Keep the file (with its -wal and -shm) for examination and move all three away to start a new ledger, or put a backup in their place.`,
    { cause },
  );
}

/** What SQLite or the log found wrong, as an error that says what to do. */
export function fileError(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LedgerFileError) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code)) return damaged(file, error.message, error);
  if (/^SQLITE_BUSY/.test(code)) {
    return new LedgerFileError(
      'ledger_busy',
      `${file} is in use by another program (${error.message}). Close it and start again.`,
      { cause: error },
    );
  }
  return new LedgerFileError(
    'ledger_unusable',
    `${file} cannot be opened: ${error.message}. Check that its folder exists, that this user may write there, and that the disk is not full.`,
    { cause: error },
  );
}
