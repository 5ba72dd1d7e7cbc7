import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { systemClock } from '../contracts/clock.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import { readBatch } from './batch-reader.js';
import { damaged, fileError, openForWriting } from './database.js';
import { EventInsert } from './event-insert.js';
import { LedgerFileError } from './ledger-file-error.js';
import { ownStamp } from './own-stamp.js';
import { SyncTime } from './pace.js';
import type {
  AppendedBatch,
  AppendMessage,
  SignedCheckpoint,
  WriterData,
  WriterReply,
  WriterRequest,
} from './protocol.js';
import { Pruner, transactionBytes } from './pruner.js';
import { rewriteWal } from './rewrite-wal.js';
import { leftoverWal, type SetAside, setAside } from './set-aside.js';
import type { LogWriter } from './tlog/log-writer.js';
import { openLog } from './tlog/open-log.js';
import { troubleOf } from './trouble.js';

/** The one thread that writes: the batches that lie ready are one transaction, so one sync of the disk, and are answered after it. */
class Writer {
  #db: Database;
  #next: number;
  #log: LogWriter;
  #begin: Statement;
  #commit: Statement;
  #insert: EventInsert;
  #pruner: Pruner;
  #data: WriterData;
  readonly #sync = new SyncTime();
  #checkpointPages: number;
  readonly #checkpointPagesMax: number;

  constructor(db: Database, size: number, log: LogWriter, data: WriterData) {
    this.#data = data;
    this.#db = db;
    this.#next = size;
    this.#log = log;
    // The log is cut back to this after a burst; a transaction more is to have room below it.
    const walBytes = db.pragma('journal_size_limit', { simple: true }) as number;
    const pageBytes = db.pragma('page_size', { simple: true }) as number;
    this.#checkpointPagesMax = Math.max(1, Math.floor(walBytes / 2 / pageBytes));
    this.#checkpointPages = db.pragma('wal_autocheckpoint', { simple: true }) as number;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#insert = new EventInsert(db);
    this.#pruner = new Pruner(db, data.sizeLimitBytes);
  }

  /** Number of events. */
  get size(): number {
    return this.#next;
  }

  /** The first index that is served. */
  get minimum(): number {
    return this.#pruner.minimum();
  }

  /** Commits the batches together, with their tiles and, when one is due, a checkpoint over them. */
  append(messages: readonly AppendMessage[]): Omit<Extract<WriterReply, { kind: 'appended' }>, 'kind'> {
    const first = this.#next;
    let next = first;
    const batches: AppendedBatch[] = [];
    let own = 0;
    let signed: SignedCheckpoint | undefined;
    const checkpoint = this.#transaction(() => {
      for (const message of messages) {
        const hashes = this.#insertAll(message, next);
        this.#log.append(Buffer.from(hashes, 'hex'));
        batches.push({ hashes, slab: message.slab });
        next += message.count;
      }
      const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
      if (this.#pruner.isShort(next)) {
        // Only what a checkpoint covers may go.
        signed = this.#log.sign();
        own = this.#prune({ size: next, signed: signed.size, bytes });
        next += own;
      }
      const events = next - first;
      this.#pruner.step({ size: next, events, bytes });
      return this.#log.dueInMs() === 0 ? this.#log.sign() : signed;
    });
    this.#next = next;
    return { first, batches, own, minimum: this.minimum, syncMs: this.#sync.ms, checkpoint };
  }

  /** Writes a page and waits for the disk. */
  probe(): void {
    // Setting the version writes its page, also to what it was.
    this.#db.pragma(`user_version = ${this.#db.pragma('user_version', { simple: true })}`);
  }

  /** Commits a checkpoint of what is recorded. */
  checkpoint(): SignedCheckpoint {
    return this.#transaction(() => this.#log.sign());
  }

  /** Commits a checkpoint of all there is, and closes the file. */
  close(): void {
    if (!this.#log.isCovered()) this.checkpoint();
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }

  /** Closes the file as it is; a transaction that runs is rolled back. */
  abandon(): void {
    this.#db.close();
  }

  /** After a failure the connection is given up, whatever it was, so nothing is rolled back here. */
  #transaction<T>(work: () => T): T {
    this.#begin.run();
    const result = work();
    const beganMs = systemClock.monotonicMs();
    this.#commit.run();
    this.#sync.add(systemClock.monotonicMs() - beganMs);
    this.#setCheckpointPages();
    return result;
  }

  #setCheckpointPages(): void {
    const pages = Math.min(this.#sync.checkpointPages(), this.#checkpointPagesMax);
    if (pages === this.#checkpointPages) return;
    this.#checkpointPages = pages;
    this.#db.pragma(`wal_autocheckpoint = ${pages}`);
  }

  /** Moves the minimum index; returns the number of events that tell it. */
  #prune({ size, signed, bytes }: { size: number; signed: number; bytes: number }): number {
    const was = this.minimum;
    const { used } = this.#pruner.room();
    const minimum = this.#pruner.move({ size, signed, bytes });
    if (minimum === undefined) return 0;
    const data = { minimum_index: minimum, was, used_bytes: used, limit_bytes: this.#data.sizeLimitBytes };
    this.#recordOwn(size, { type: 'log_pruned', module: 'kernel', data });
    return 1;
  }

  #recordOwn(index: number, event: NewEvent): void {
    this.#log.append(Buffer.from(this.#insert.own(index, event, ownStamp(this.#data)), 'hex'));
  }

  /** Returns the leaf hashes, 64 hexadecimal digits each. */
  #insertAll(message: AppendMessage, first: number): string {
    let hashes = '';
    let index = first;
    readBatch(message, (event) => {
      hashes += this.#insert.batched(index, event);
      index++;
    });
    return hashes;
  }
}

interface Ready {
  messages: AppendMessage[];
  /** Whether somebody asked for a checkpoint among them, and whether the request to close came after them. */
  checkpoint: boolean;
  close: boolean;
}

/** The batches that lie ready, the first of them given, until they are enough for one transaction. */
function takeReady(port: MessagePort, request: WriterRequest, bytesMax: number): Ready {
  const ready: Ready = { messages: [], checkpoint: false, close: false };
  let bytes = 0;
  let next: { message: WriterRequest } | undefined = { message: request };
  while (next !== undefined) {
    if (next.message.kind === 'close') return { ...ready, close: true };
    if (next.message.kind === 'checkpoint') ready.checkpoint = true;
    else if (next.message.kind === 'append') {
      ready.messages.push(next.message);
      bytes += next.message.bytes;
    }
    if (bytes >= bytesMax) break;
    next = receiveMessageOnPort(port) as typeof next;
  }
  return ready;
}

async function main(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('the writer runs as a worker thread');
  const opener = new Opener(workerData as WriterData);
  let opened: Opened;
  try {
    opened = await opener.open();
  } catch (error) {
    if (!(error instanceof LedgerFileError)) throw error;
    port.postMessage({ kind: 'refused', code: error.code, message: error.message } satisfies WriterReply);
    return;
  }
  new WriterThread(port, opener).serve(opened);
}

/** Hears the messages, and keeps the file open or, after a failure, closed until it is told to try again. */
class WriterThread {
  readonly #port: MessagePort;
  readonly #opener: Opener;
  #opened: Opened | undefined;
  /** Failed, and not closed yet. */
  #given: Writer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reopening = false;
  #closing = false;

  constructor(port: MessagePort, opener: Opener) {
    this.#port = port;
    this.#opener = opener;
  }

  serve(opened: Opened): void {
    this.#take(opened);
    this.#port.on('message', (request: WriterRequest) => this.#hear(request));
  }

  #take(opened: Opened): void {
    const { writer, log, setAside } = opened;
    this.#opened = opened;
    const { verifierKey, checkpoint } = log;
    const { size, minimum } = writer;
    this.#reply({ kind: 'opened', size, minimum, verifierKey, checkpoint, setAside });
  }

  #hear(request: WriterRequest): void {
    const opened = this.#opened;
    if (opened === undefined) {
      // Batches that were sent before the failure was known are refused already.
      if (request.kind === 'reopen') void this.#reopen();
      else if (request.kind === 'close') this.#close();
      return;
    }
    const { messages, checkpoint, close } = takeReady(this.#port, request, this.#opener.transactionBytes);
    const { writer, log } = opened;
    this.#work(() => {
      if (checkpoint) log.want();
      if (messages.length > 0) {
        const appended = writer.append(messages);
        const slabs = appended.batches.map(({ slab }) => slab);
        this.#reply({ kind: 'appended', ...appended }, slabs);
      } else if (checkpoint && log.checkpoint !== undefined && log.isCovered()) {
        this.#reply({ kind: 'checkpoint', checkpoint: log.checkpoint });
      }
    });
    if (close) this.#close();
  }

  /** Does something with the file, then waits for the time of the next checkpoint. */
  #work(task: () => void): void {
    clearTimeout(this.#timer);
    try {
      task();
    } catch (error) {
      this.#giveUp(error);
      return;
    }
    const dueInMs = this.#opened?.log.dueInMs();
    if (dueInMs !== undefined) this.#timer = setTimeout(() => this.#work(() => this.#signDue()), dueInMs);
  }

  #signDue(): void {
    const checkpoint = this.#opened?.writer.checkpoint();
    if (checkpoint !== undefined) this.#reply({ kind: 'checkpoint', checkpoint });
  }

  /**
   * After a failed write or sync nothing more is written through this connection: what the disk holds is unknown. It is closed with the
   * next attempt, so that until then readers find the file open.
   */
  #giveUp(error: unknown): void {
    clearTimeout(this.#timer);
    const opened = this.#opened;
    this.#opened = undefined;
    this.#given = opened?.writer;
    const trouble = troubleOf(error);
    const message = error instanceof Error ? error.message : String(error);
    if (trouble === undefined) {
      this.#reply({ kind: 'failed', message });
      this.#abandon();
      this.#port.close();
      return;
    }
    this.#opener.failed(trouble, opened?.writer.size);
    this.#reply({ kind: 'unavailable', trouble, message });
  }

  #abandon(): void {
    this.#given?.abandon();
    this.#given = undefined;
  }

  async #reopen(): Promise<void> {
    this.#reopening = true;
    try {
      this.#abandon();
      this.#take(await this.#opener.reopen());
    } catch (error) {
      this.#giveUp(error);
    }
    this.#reopening = false;
    if (this.#closing) this.#close();
  }

  #close(): void {
    this.#closing = true;
    if (this.#reopening) return;
    clearTimeout(this.#timer);
    const opened = this.#opened;
    if (opened !== undefined) this.#work(() => opened.writer.close());
    clearTimeout(this.#timer);
    this.#abandon();
    this.#port.close();
  }

  #reply(message: WriterReply, moved: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, moved);
  }
}

interface Opened {
  writer: Writer;
  log: LogWriter;
  setAside: SetAside | undefined;
}

/** Opens the file at the start and after a failure; what a failure leaves in doubt is examined or written again first. */
class Opener {
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

  async #openFile(): Promise<{ writer: Writer; log: LogWriter }> {
    const { file } = this.#data;
    const { db, size } = openForWriting(file, this.#data.sizeLimitBytes);
    try {
      if (this.#isFileInDoubt) examine(db, file);
      this.#isFileInDoubt = false;
      if (size < this.#recorded) throw damaged(file, `event ${size} is missing, and was there before`);
      const log = await openLog(db, { file, size, clock: systemClock });
      return { writer: new Writer(db, size, log, this.#data), log };
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

await main();
