import type { Database } from 'better-sqlite3';
import { systemClock } from '../contracts/clock.js';
import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import { damaged, fileError, openForWriting } from './database.js';
import type { WriterData } from './protocol.js';
import { transactionBytes } from './pruner.js';
import { RecordWriter } from './record-writer.js';
import { rewriteWal } from './rewrite-wal.js';
import { leftoverWal, type SetAside, setAside } from './set-aside.js';
import type { LogWriter } from './tlog/log-writer.js';
import { openLog } from './tlog/open-log.js';
import { troubleOf } from './trouble.js';

/** The file, open for writing. */
export interface Opened {
  writer: RecordWriter;
  log: LogWriter;
  setAside: SetAside | undefined;
}

/** Opens the file at the start and after a failure; what a failure leaves in doubt is examined or written again first. */
export class Opener {
  /** What one transaction takes, about. */
  readonly transactionBytes: number;
  readonly #data: WriterData;
  /** Events that somebody may have been told of. */
  #recorded = 0;
  #isWalInDoubt = false;
  #isFileInDoubt = false;

  constructor(data: WriterData) {
    this.#data = data;
    this.transactionBytes = transactionBytes(data.sizeLimitBytes);
  }

  /** Takes note of what went wrong, and of the events that were recorded before. */
  failed(trouble: LedgerTrouble, recorded = this.#recorded): void {
    this.#recorded = recorded;
    if (trouble === 'io_error') this.#isWalInDoubt = true;
    if (trouble === 'corrupt') this.#isFileInDoubt = true;
  }

  /** @throws LedgerFileError. */
  async open(): Promise<Opened> {
    const { file, setCorruptAside } = this.#data;
    const leftover = setCorruptAside ? leftoverWal(file, systemClock.wallMs()) : undefined;
    try {
      return { ...(await this.#openFile()), setAside: leftover };
    } catch (error) {
      if (!setCorruptAside || troubleOf(error) !== 'corrupt') throw error;
      const aside = setAside(file, systemClock.wallMs());
      this.#recorded = 0;
      this.#isFileInDoubt = false;
      return { ...(await this.#openFile()), setAside: aside };
    }
  }

  /** The same after a failure; succeeds only when something could be written. */
  async reopen(): Promise<Opened> {
    if (this.#isWalInDoubt) rewriteWal(this.#data.file);
    this.#isWalInDoubt = false;
    const opened = await this.open();
    try {
      opened.writer.probe();
    } catch (error) {
      opened.writer.abandon();
      throw error;
    }
    return opened;
  }

  async #openFile(): Promise<{ writer: RecordWriter; log: LogWriter }> {
    const { file } = this.#data;
    const { db, size } = openForWriting(file, this.#data.sizeLimitBytes);
    try {
      if (this.#isFileInDoubt) examine(db, file);
      this.#isFileInDoubt = false;
      if (size < this.#recorded) throw damaged(file, `event ${size} is missing, and was there before`);
      const log = await openLog(db, { file, size, clock: systemClock });
      return { writer: new RecordWriter(db, size, log, this.#data), log };
    } catch (error) {
      db.close();
      throw fileError(file, error);
    }
  }
}

/** Reads the whole file. @throws LedgerFileError with the first fault. */
function examine(db: Database, file: string): void {
  const found = db.pragma('integrity_check(1)', { simple: true });
  if (found !== 'ok') throw damaged(file, String(found));
}
