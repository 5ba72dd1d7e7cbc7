import { chmod, mkdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database as Connection } from 'better-sqlite3';
import type { Clock } from '../contracts/clock.js';
import { Database } from '../contracts/sqlite.js';
import { DataFolderError } from './data-folder-error.js';
import { writeFileAtomic } from './write-file-atomic.js';

export interface DataFolderInfo {
  /** Where the holder can be reached, or what it is: `http://127.0.0.1:8000`, `arkalia keys create`. */
  address: string;
  version: string;
  clock: Clock;
}

/** A data folder that this process alone holds. */
export interface DataFolder {
  /** Absolute, without symbolic links. */
  path: string;
  /** Gives the folder back. May be called again. The lock also ends with the process, however it ends. */
  release(): Promise<void>;
}

interface Owner {
  pid: number;
  /** ISO 8601. */
  since: string;
  address: string;
  version: string;
}

/** Holds the lock of a data folder. */
export const lockName = 'lock.sqlite';

/**
 * Makes the folder (0700) where it is missing and takes its lock.
 *
 * The lock is SQLite's, an exclusive transaction on `lock.sqlite` that never ends: the system drops it with the process, also
 * after kill -9, and no stale file is left to judge. `owner.json` only tells others who holds it.
 * @throws DataFolderError `data_folder_locked` when another process (or this one) holds it, `data_folder_unusable`.
 */
export async function openDataFolder(path: string, info: DataFolderInfo): Promise<DataFolder> {
  const folder = await makeFolder(path);
  const ownerFile = join(folder, 'owner.json');
  const lock = takeLock(join(folder, lockName));
  if (lock === 'held') throw await lockedError(folder, ownerFile);
  try {
    await chmod(lock.name, 0o600);
    const owner: Owner = {
      pid: process.pid,
      since: new Date(info.clock.wallMs()).toISOString(),
      address: info.address,
      version: info.version,
    };
    await writeFileAtomic(ownerFile, `${JSON.stringify(owner)}\n`);
  } catch (error) {
    lock.close();
    throw unusable(folder, error);
  }
  return {
    path: folder,
    release: async () => {
      if (!lock.open) return;
      await rm(ownerFile, { force: true });
      lock.close();
    },
  };
}

async function makeFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const folder = await realpath(path);
    if (!(await stat(folder)).isDirectory()) throw new Error('it is not a folder');
    return folder;
  } catch (error) {
    throw unusable(path, error);
  }
}

/** The connection that holds the lock until it is closed. Nothing is ever written through it. */
function takeLock(file: string): Connection | 'held' {
  let db: Connection | undefined;
  try {
    db = new Database(file, { timeout: 0 });
    // Nothing is written, so no journal file is needed; the default would leave an empty one behind a kill.
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (error) {
    db?.close();
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('SQLITE_BUSY')) return 'held';
    // What SQLite does not say is no fault of the folder: a native module that was not built, or for another Node.
    throw code.startsWith('SQLITE_') ? unusable(file, error) : error;
  }
}

async function lockedError(folder: string, ownerFile: string): Promise<DataFolderError> {
  const owner = await readOwner(ownerFile);
  const who =
    owner === undefined
      ? 'another process, which has not written yet who it is,'
      : `process ${owner.pid} (arkalia ${owner.version}, ${owner.address}, since ${owner.since})`;
  return new DataFolderError(
    'data_folder_locked',
    `The data folder ${folder} is held by ${who} and one process owns a data folder. Use the running one, stop it first${owner === undefined ? '' : ` (kill ${owner.pid})`}, or choose another folder with --data.`,
  );
}

/** Who wrote owner.json, unless it is a leftover of a process that is gone. */
async function readOwner(ownerFile: string): Promise<Owner | undefined> {
  let owner: unknown;
  try {
    owner = JSON.parse(await readFile(ownerFile, 'utf8'));
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing || error instanceof SyntaxError) return undefined;
    throw unusable(ownerFile, error);
  }
  return isOwner(owner) && isAlive(owner.pid) ? owner : undefined;
}

function isOwner(value: unknown): value is Owner {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, since, address, version } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(pid) &&
    (pid as number) > 0 &&
    [since, address, version].every((field) => typeof field === 'string')
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function unusable(path: string, error: unknown): DataFolderError {
  const why = error instanceof Error ? error.message : String(error);
  return new DataFolderError(
    'data_folder_unusable',
    `The data folder cannot be used: ${path}: ${why}. Check that it is a folder, that this user may write there, and that the disk is not full.`,
    { cause: error },
  );
}
