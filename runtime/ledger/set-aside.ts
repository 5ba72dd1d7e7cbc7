import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openForReading } from './database.js';

/** A damaged ledger that was moved away. */
export interface SetAside {
  /** Its name in the data folder. */
  name: string;
  /** The last checkpoint that could be read from it, a signed note. */
  checkpoint: string | undefined;
}

const suffixes = ['', '-wal', '-shm'] as const;
const setAsideName = /^ledger\.corrupt-\d{8}T\d{6}Z-(at-\d+|unread)(-\d+)?\.sqlite$/;

/**
 * Moves a damaged ledger away, with its write-ahead log, under a name with the time and the number of events that it told; nothing is
 * deleted. The database goes first: a log without its database is never taken for that of a new one (`leftoverWal`).
 */
export function setAside(file: string, timeMs: number): SetAside {
  const { events, checkpoint } = lastWords(file);
  const time = new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const wanted = `ledger.corrupt-${time}-${events === undefined ? 'unread' : `at-${events}`}`;
  const folder = dirname(file);
  const isTaken = (name: string) =>
    suffixes.some((suffix) => existsSync(join(folder, `${name}.sqlite${suffix}`)));
  let name = wanted;
  for (let n = 2; isTaken(name); n++) name = `${wanted}-${n}`;
  name += '.sqlite';
  for (const suffix of suffixes) move(file + suffix, join(folder, name) + suffix);
  syncFolder(folder);
  return { name, checkpoint };
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

function lastWords(file: string): { events: number | undefined; checkpoint: string | undefined } {
  const words: { events: number | undefined; checkpoint: string | undefined } = {
    events: undefined,
    checkpoint: undefined,
  };
  if (!existsSync(file)) return words;
  const ask = <T>(sql: string): T | undefined => {
    // Any part of it may be the damaged one; what cannot be read is not told.
    try {
      const db = openForReading(file);
      try {
        return db.prepare(sql).pluck().get() as T | undefined;
      } finally {
        db.close();
      }
    } catch {
      return undefined;
    }
  };
  words.events = ask<number>('SELECT max("index") + 1 FROM events') ?? undefined;
  words.checkpoint = ask<string>('SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1');
  return words;
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
