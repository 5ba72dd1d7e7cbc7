import { existsSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { syncFolderSync } from '../data-folder/write-file-atomic.js';
import { openForReading } from './database.js';
import { parseCheckpoint } from './tlog/checkpoint.js';
import type { LastCheckpoint } from './tlog/last-checkpoint.js';
import { openNote } from './tlog/note.js';
import { NoteError } from './tlog/note-error.js';
import { parseVerifierKey } from './tlog/note-key.js';

/** A damaged ledger that was moved away. */
export interface SetAside {
  /** Its name in the data folder. */
  name: string;
  /** The last checkpoint that could be read from it. */
  last: LastCheckpoint | undefined;
}

const suffixes = ['', '-wal', '-shm'] as const;
/** Of a damaged ledger that was moved away. */
export const setAsideName: RegExp = /^ledger\.corrupt-\d{8}T\d{6}Z-(at-\d+|unread)(-\d+)?\.sqlite$/;

/**
 * Moves a damaged ledger away, with its write-ahead log, under a name with the time and the number of events that it told; nothing is
 * deleted. The database goes first: a log without its database is never taken for that of a new one (`leftoverWal`).
 */
export function setAside(file: string, timeMs: number): SetAside {
  const { events, last } = lastWords(file);
  const time = new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const wanted = `ledger.corrupt-${time}-${events === undefined ? 'unread' : `at-${events}`}`;
  const folder = dirname(file);
  const isTaken = (name: string) =>
    suffixes.some((suffix) => existsSync(join(folder, `${name}.sqlite${suffix}`)));
  let name = wanted;
  for (let n = 2; isTaken(name); n++) name = `${wanted}-${n}`;
  name += '.sqlite';
  for (const suffix of suffixes) move(file + suffix, join(folder, name) + suffix);
  syncFolderSync(folder);
  return { name, last };
}

/** Moves a write-ahead log away whose database is gone, as a crash between the two moves leaves it: SQLite would play it into a new one. */
export function leftoverWal(file: string, timeMs: number): SetAside | undefined {
  return existsSync(`${file}-wal`) && !existsSync(file) ? setAside(file, timeMs) : undefined;
}

/** Names of the damaged ledgers that lie in the folder, oldest first. */
export function filesAside(file: string): string[] {
  return readdirSync(dirname(file))
    .filter((name) => setAsideName.test(basename(name)))
    .sort();
}

function lastWords(file: string): { events: number | undefined; last: LastCheckpoint | undefined } {
  if (!existsSync(file)) return { events: undefined, last: undefined };
  const events = ask<number>(file, 'SELECT max("index") + 1 FROM events');
  const verifierKey = ask<string>(file, 'SELECT verifier_key FROM log');
  const note = ask<string>(file, 'SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1');
  if (verifierKey === undefined || note === undefined) return { events, last: undefined };
  try {
    const checkpoint = parseCheckpoint(openNote(note, [parseVerifierKey(verifierKey)]).text);
    return { events, last: { verifierKey, note, checkpoint } };
  } catch (error) {
    if (error instanceof NoteError) return { events, last: undefined };
    throw error;
  }
}

/** One value of a damaged file; undefined where it cannot be read, since any part of it may be the damaged one. */
function ask<T>(file: string, sql: string): T | undefined {
  try {
    const db = openForReading(file);
    try {
      return (db.prepare(sql).pluck().get() as T | null) ?? undefined;
    } finally {
      db.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (/^(SQLITE_|ledger_)/.test(code)) return undefined;
    throw error;
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
