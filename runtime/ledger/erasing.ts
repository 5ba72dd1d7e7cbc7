import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import type { EraseSelector } from '../contracts/ledger.js';
import { isSqliteError } from '../contracts/sqlite.js';
import { Eraser } from './eraser.js';
import { openForErasing, otherLedgers, otherLogs } from './other-ledgers.js';
import { sameEvents } from './same-events.js';

/** Between two steps, so that the writer gets its turn. */
const stepWaitMs = 2;
/** How often and how long a reader is waited for that stands in the way of cutting the write-ahead log. */
const truncateTries = 200;
const truncateWaitMs = 25;

/** What was erased, in all files together. */
export interface Erased {
  events: number;
  texts: number;
  /** At most 1000 events of the ledger itself. */
  indexes: number[];
  /** Other files in which something was erased, and those that could not be read. */
  files: string[];
  unreadable: string[];
}

/**
 * Erases from the ledger and from every other ledger in its folder. Gives the thread back between two steps.
 * @throws what SQLite throws, and Error when the write-ahead log could not be cut because somebody reads all the time.
 */
export async function erase(db: Database, file: string, selector: EraseSelector): Promise<Erased> {
  const own = await eraseIn(db, selector);
  const erased: Erased = {
    events: own.events,
    texts: own.texts,
    indexes: own.indexes,
    files: [],
    unreadable: [],
  };
  for (const name of otherLedgers(file)) {
    try {
      const { events, texts } = await eraseInFile(join(dirname(file), name), db, selector);
      erased.events += events;
      erased.texts += texts;
      if (texts > 0) erased.files.push(name);
    } catch (error) {
      if (!isSqliteError(error)) throw error;
      erased.unreadable.push(name);
    }
  }
  // A write-ahead log that nobody could empty lost its database, or belongs to one that cannot be read.
  erased.unreadable.push(...otherLogs(file));
  return erased;
}

async function eraseInFile(path: string, own: Database, selector: EraseSelector): Promise<Eraser> {
  const db = openForErasing(path);
  try {
    const isByIndex = 'ids' in selector;
    return await eraseIn(db, isByIndex ? { ids: sameEvents(own, db, selector.ids) } : selector);
  } finally {
    db.close();
  }
}

async function eraseIn(db: Database, selector: EraseSelector): Promise<Eraser> {
  const eraser = new Eraser(db, selector);
  while (!eraser.step()) await wait(stepWaitMs);
  for (let tries = 0; !eraser.truncate(); tries++) {
    if (tries === truncateTries) {
      throw new Error(
        'the texts are deleted, but somebody reads the ledger and keeps its write-ahead log: erase again',
      );
    }
    await wait(truncateWaitMs);
  }
  return eraser;
}
