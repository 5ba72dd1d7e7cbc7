import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { type Clock, systemClock } from '../contracts/clock.js';
import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import { syncFolderSync } from '../data-folder/write-file-atomic.js';
import { damaged, fileError } from './database.js';
import { ownStamp } from './own-stamp.js';
import type { WriterData } from './protocol.js';
import { transactionBytes } from './pruner.js';
import { RecordWriter } from './record-writer.js';
import { rewriteWal } from './rewrite-wal.js';
import { leftoverWal, type SetAside, setAside } from './set-aside.js';
import { openEpoch, type Succession } from './tlog/epochs.js';
import type { LastCheckpoint } from './tlog/last-checkpoint.js';
import type { LogWriter } from './tlog/log-writer.js';
import { openLog } from './tlog/open-log.js';
import { troubleOf } from './trouble.js';

/** The file, open for writing. */
export interface Opened {
  writer: RecordWriter;
  log: LogWriter;
  /** The last checkpoint of the log before this one. */
  previous: string | undefined;
  /** What a person should be told about the file. */
  notices: string[];
}

/** What one transaction takes. */
export interface TransactionRoom {
  events: number;
  bytes: number;
}

/** Opens the file at the start and after a failure; what a failure leaves in doubt is examined or written again first. */
export class Opener {
  readonly room: TransactionRoom;
  readonly #data: WriterData;
  readonly #clock: Clock;
  /** Events that somebody may have been told of. */
  #recorded = 0;
  #isFileInDoubt = false;

  constructor(data: WriterData, clock: Clock = systemClock) {
    this.#data = data;
    this.#clock = clock;
    this.room = { events: data.batchMax, bytes: transactionBytes(data.sizeLimitBytes) };
  }

  /** Takes note of what went wrong, and of the events that were recorded before. */
  failed(trouble: LedgerTrouble, recorded = this.#recorded): void {
    this.#recorded = recorded;
    if (trouble === 'corrupt') this.#isFileInDoubt = true;
  }

  /** Where the file is, its key and its last checkpoint. */
  get folder(): string {
    return dirname(this.#data.file);
  }

  /** @throws LedgerFileError. */
  async open({ probes }: { probes: boolean } = { probes: false }): Promise<Opened> {
    const { file, setCorruptAside } = this.#data;
    const leftover = setCorruptAside ? leftoverWal(file, this.#clock.wallMs()) : undefined;
    try {
      return await this.#openFile(leftover, probes);
    } catch (error) {
      if (!setCorruptAside || troubleOf(error) !== 'corrupt') throw error;
      const aside = setAside(file, this.#clock.wallMs());
      this.#recorded = 0;
      this.#isFileInDoubt = false;
      return await this.#openFile(aside, probes);
    }
  }

  /** The same after a failure; succeeds only when something could be written. */
  reopen(): Promise<Opened> {
    return this.open({ probes: true });
  }

  /** Writes a page and waits for the disk. */
  protected probe(db: Database): void {
    // Setting the version writes its page, also to what it was.
    db.pragma(`user_version = ${db.pragma('user_version', { simple: true })}`);
  }

  async #openFile(aside: SetAside | undefined, probes: boolean): Promise<Opened> {
    const { file, sizeLimitBytes, epochReason } = this.#data;
    const reason = aside === undefined ? epochReason : 'damaged';
    const { db, size: stored, succession } = await openEpoch(file, { sizeLimitBytes, reason });
    try {
      if (this.#isFileInDoubt) examine(db, file);
      this.#isFileInDoubt = false;
      // Before the tree is made again: a disk that stays full is tried every ten seconds.
      if (probes) this.probe(db);
      if (stored < this.#recorded && succession.setAside === undefined) {
        throw damaged(file, `event ${stored} is missing, and was there before`);
      }
      if (aside !== undefined) {
        succession.setAside = aside.name;
        succession.last = newer(succession.last, aside.last);
      }
      const clock = this.#clock;
      const stamp = ownStamp(this.#data, clock);
      const options = { file, size: stored, clock, succession, stamp };
      const { log, size } = await openLog(db, options);
      makeLogDurable(file);
      const previous = db.prepare('SELECT previous FROM log').pluck().get() as string | null;
      return {
        writer: new RecordWriter(db, { size, log, data: this.#data, clock }),
        log,
        previous: previous ?? undefined,
        notices: noticesOf(succession, log.verifierKey),
      };
    } catch (error) {
      db.close();
      throw fileError(file, error);
    }
  }
}

/**
 * What was read from the write-ahead log is on the disk when this returns: this or an earlier process may have failed to sync it. Its name
 * too, since SQLite passes over an error when it syncs the folder of a log that it has made.
 */
function makeLogDurable(file: string): void {
  rewriteWal(file);
  syncFolderSync(dirname(file));
}

/** The later of two checkpoints of the log that has ended. */
function newer(
  known: LastCheckpoint | undefined,
  found: LastCheckpoint | undefined,
): LastCheckpoint | undefined {
  if (known === undefined || found === undefined) return known ?? found;
  const isLater = found.verifierKey === known.verifierKey && found.checkpoint.size > known.checkpoint.size;
  return isLater ? found : known;
}

function noticesOf({ reason, setAside: name }: Succession, verifierKey: string): string[] {
  if (name === undefined) return [];
  const why =
    reason === 'damaged'
      ? 'the ledger was damaged'
      : `the ledger was not the one whose last checkpoint is known (${reason})`;
  return [
    `${why}; it is kept as ${name}, nothing was deleted, and a new epoch of the log began: ${verifierKey}`,
  ];
}

/** Reads the whole file. @throws LedgerFileError with the first fault. */
function examine(db: Database, file: string): void {
  const found = db.pragma('integrity_check(1)', { simple: true });
  if (found !== 'ok') throw damaged(file, String(found));
}
