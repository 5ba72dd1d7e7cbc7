import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { chmod, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Database as Connection } from 'better-sqlite3';
import { Database, isSqliteError } from '../contracts/sqlite.js';
import { applicationId, openForVerifying } from '../ledger/database.js';
import { LogReader } from '../ledger/tlog/log-reader.js';
import { seal } from './sealed.js';

/** Files of the data folder that are secrets: they come along under a passphrase only. */
export const secretFiles = ['keys.json', 'log-key.json', 'users.json'] as const;
/** Pages that are copied in one turn, 4 MB. */
const pagesAtOnce = 1024;

export interface BackupReport {
  size: number;
  minimum: number;
  /** Secret files that came along. */
  secrets: string[];
}

/**
 * Copies the ledger, of a running server too, as it is at one moment: the copy is a ledger file that `arkalia verify --ledger` reads, with one
 * table more. It appears under its name when it is whole.
 * @throws LedgerFileError for what is no ledger; what the file system throws.
 */
export async function backup(
  dataDir: string,
  file: string,
  passphrase: string | undefined,
): Promise<BackupReport> {
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await copyLedger(join(dataDir, 'ledger.sqlite'), temporary);
    const secrets = passphrase === undefined ? {} : await readSecrets(dataDir);
    const sealed =
      passphrase === undefined ? null : await seal(Buffer.from(JSON.stringify(secrets)), passphrase);
    const report = finish(temporary, sealed);
    await chmod(temporary, 0o600);
    await sync(temporary);
    await rename(temporary, file);
    await sync(dirname(file));
    return { ...report, secrets: Object.keys(secrets) };
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) await rm(temporary + end, { force: true });
  }
}

/** Whether an open ledger is a backup. */
export function isBackup(db: Connection): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'backup'").get() !== undefined;
}

/** Whether a backup may take the name: nothing is there, or an earlier backup, which it replaces; never that of the ledger. */
export function mayReplace(file: string, ledger: string): boolean {
  if (!existsSync(file)) return true;
  if (realpathSync(file) === realpathSync(ledger)) return false;
  let db: Connection | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: 0 });
    return db.pragma('application_id', { simple: true }) === applicationId && isBackup(db);
  } catch (error) {
    // No database, or one that somebody holds.
    if (isSqliteError(error)) return false;
    throw error;
  } finally {
    db?.close();
  }
}

/** Copies a ledger file by SQLite's own backup, from one snapshot, however long it takes and whatever is written beside it. */
export async function copyLedger(from: string, to: string): Promise<void> {
  const source = openForVerifying(from);
  try {
    source.exec('BEGIN');
    source.prepare('SELECT count(*) FROM log').get();
    await source.backup(to, { progress: () => pagesAtOnce });
    source.exec('COMMIT');
  } finally {
    source.close();
  }
}

function finish(file: string, sealed: Buffer | null): { size: number; minimum: number } {
  const db: Connection = new Database(file);
  try {
    // One file, without a write-ahead log beside it.
    db.pragma('journal_mode = DELETE');
    // A backup that was put in the ledger's place by hand has one already.
    db.exec('DROP TABLE IF EXISTS backup');
    db.exec('CREATE TABLE backup (version INTEGER NOT NULL, sealed BLOB) STRICT');
    db.prepare('INSERT INTO backup (version, sealed) VALUES (1, ?)').run(sealed);
    const reader = new LogReader(db);
    return { size: reader.size(), minimum: reader.minimum() };
  } finally {
    db.close();
  }
}

async function readSecrets(dataDir: string): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {};
  for (const name of secretFiles) {
    const path = join(dataDir, name);
    if (existsSync(path)) secrets[name] = await readFile(path, 'utf8');
  }
  return secrets;
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
