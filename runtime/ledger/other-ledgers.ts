import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Database as Connection } from 'better-sqlite3';
import { Database } from '../contracts/sqlite.js';
import { lockName } from '../data-folder/data-folder.js';
import { applicationId } from './database.js';
import { setAsideName } from './set-aside.js';

const magic = 'SQLite format 3\0';
/** Where SQLite's header holds the application id. */
const applicationIdAt = 68;
const walSuffix = '-wal';
/** What SQLite keeps beside a database. */
const companion = /-(wal|shm|journal)$/;

/**
 * Names of the files beside the ledger that are ledgers too, whatever they are called: of earlier epochs, set aside, backups. Also of those
 * that were set aside and are no SQLite file any more: texts may lie in them.
 *
 * No file is looked into that this process has open in SQLite, nor its companions: when such a file is closed, the system drops every lock
 * that the process has on it (POSIX), and another process takes the data folder, or the ledger's index, for nobody's.
 */
export function otherLedgers(file: string): string[] {
  const folder = dirname(file);
  return filesWith(file, (name) => {
    if (name === lockName || companion.test(name)) return false;
    const path = join(folder, name);
    return isLedger(path) || (setAsideName.test(name) && statSync(path).size > 0);
  });
}

/** Names of the write-ahead logs of such files that hold something. SQLite empties them with the last who closes the file. */
export function otherLogs(file: string): string[] {
  const folder = dirname(file);
  return filesWith(file, (name) => {
    const isLog = name.endsWith(walSuffix) && setAsideName.test(name.slice(0, -walSuffix.length));
    return isLog && statSync(join(folder, name)).size > 0;
  });
}

function filesWith(file: string, isWanted: (name: string) => boolean): string[] {
  return readdirSync(dirname(file), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== basename(file) && isWanted(entry.name))
    .map(({ name }) => name)
    .sort();
}

/** Opens a ledger to erase texts in it, beside its writer too: both wait for each other's short transactions. */
export function openForErasing(file: string): Connection {
  const db = new Database(file, { fileMustExist: true, timeout: 10_000 });
  try {
    db.pragma('synchronous = FULL');
    db.pragma('secure_delete = ON');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function isLedger(path: string): boolean {
  const header = Buffer.alloc(100);
  const fd = openSync(path, 'r');
  try {
    const read = readSync(fd, header, 0, header.byteLength, 0);
    return (
      read === header.byteLength &&
      header.toString('latin1', 0, magic.length) === magic &&
      header.readUInt32BE(applicationIdAt) === applicationId
    );
  } finally {
    closeSync(fd);
  }
}
