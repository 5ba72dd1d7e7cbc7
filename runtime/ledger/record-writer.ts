import type { Database, Statement } from 'better-sqlite3';
import type { Clock } from '../contracts/clock.js';
import type { NewEvent } from '../contracts/ledger.js';
import { AgeLimit, isClockSynchronised, type Old } from './age-limit.js';
import { readBatch } from './batch-reader.js';
import { EventInsert } from './event-insert.js';
import { ownStamp } from './own-stamp.js';
import { SyncTime } from './pace.js';
import type { AppendedBatch, AppendMessage, SignedCheckpoint, WriterData, WriterReply } from './protocol.js';
import { Pruner } from './pruner.js';
import { EventPages } from './search/event-pages.js';
import type { LogWriter } from './tlog/log-writer.js';

/** What writes to the file: the batches that lie ready are one transaction, so one sync of the disk, and are answered after it. */
export class RecordWriter {
  #db: Database;
  #next: number;
  #log: LogWriter;
  #begin: Statement;
  #commit: Statement;
  #insert: EventInsert;
  #pruner: Pruner;
  #data: WriterData;
  readonly #pages: EventPages;
  /** Wall time of the newest event. */
  #newestMs: number;
  readonly #age: AgeLimit | undefined;
  readonly #clock: Clock;
  readonly #setClock: Statement;
  readonly #sync = new SyncTime();
  #checkpointPages: number;
  readonly #checkpointPagesMax: number;

  constructor(
    db: Database,
    { size, log, data, clock }: { size: number; log: LogWriter; data: WriterData; clock: Clock },
  ) {
    this.#clock = clock;
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
    this.#newestMs =
      (db.prepare('SELECT time_ms FROM events ORDER BY "index" DESC LIMIT 1').pluck().get() as
        | number
        | undefined) ?? 0;
    this.#setClock = db.prepare('UPDATE log SET clock_ms = ?');
    this.#age = this.#ageLimit();
    this.#pages = new EventPages(db);
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
      const old = this.#old();
      for (const message of messages) {
        const refused = this.#insertAll(message, next);
        const hashes = this.#insert.takeHashes();
        this.#log.append(hashes);
        batches.push({ hashes: hashes.toString('hex'), slab: message.slab, refused });
        next += message.count - refused.length;
      }
      const bytes = messages.reduce((sum, message) => sum + message.bytes, 0);
      const isShort = this.#pruner.isShort({ size: next, events: next - first, bytes });
      if (isShort || (old !== undefined && this.#pruner.hasOld(old, next))) {
        // Only what a checkpoint covers may go.
        signed = this.#log.sign();
        own = this.#prune({ size: next, signed: signed.size, bytes }, isShort ? undefined : old);
        next += own;
      }
      const events = next - first;
      this.#pruner.step({ size: next, events, bytes });
      return this.#log.dueInMs() === 0 ? this.#log.sign() : signed;
    });
    this.#next = next;
    return { first, batches, own, minimum: this.minimum, syncMs: this.#sync.ms, checkpoint };
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
    const beganMs = this.#clock.monotonicMs();
    this.#commit.run();
    this.#sync.add(this.#clock.monotonicMs() - beganMs);
    this.#setCheckpointPages();
    return result;
  }

  #setCheckpointPages(): void {
    const pages = Math.min(this.#sync.checkpointPages(), this.#checkpointPagesMax);
    if (pages === this.#checkpointPages) return;
    this.#checkpointPages = pages;
    this.#db.pragma(`wal_autocheckpoint = ${pages}`);
  }

  #ageLimit(): AgeLimit | undefined {
    const { ageMaxMs } = this.#data;
    if (ageMaxMs === undefined) return undefined;
    const known = this.#db.prepare('SELECT clock_ms FROM log').pluck().get() as number | null;
    return new AgeLimit({
      ageMaxMs,
      clock: this.#clock,
      isSynchronised: isClockSynchronised,
      knownMs: known ?? (this.#next === 0 ? undefined : this.#newestMs),
      size: this.#next,
    });
  }

  /** What may go for its age, by the clock as it was before these events. */
  #old(): Old | undefined {
    const old = this.#age?.old(this.#newestMs);
    const clockMs = old === undefined ? undefined : this.#age?.toRemember();
    if (clockMs !== undefined) this.#setClock.run(Math.floor(clockMs));
    return old;
  }

  /** Moves the minimum index; returns the number of events that tell it. */
  #prune(
    { size, signed, bytes }: { size: number; signed: number; bytes: number },
    old: Old | undefined,
  ): number {
    const was = this.minimum;
    const { used } = this.#pruner.room();
    const minimum =
      old === undefined
        ? this.#pruner.move({ size, signed, bytes })
        : this.#pruner.moveOld({ size, signed }, old);
    if (minimum === undefined) return 0;
    const data = { minimum_index: minimum, was, used_bytes: used, limit_bytes: this.#data.sizeLimitBytes };
    this.#recordOwn(size, { type: 'log_pruned', module: 'kernel', data });
    return 1;
  }

  #recordOwn(index: number, event: NewEvent): void {
    this.#insert.own(index, event, ownStamp(this.#data, this.#clock));
    this.#log.append(this.#insert.takeHashes());
  }

  /** Returns the events that were refused. */
  #insertAll(message: AppendMessage, first: number): AppendedBatch['refused'] {
    let index = first;
    let place = -1;
    const refused: AppendedBatch['refused'] = [];
    readBatch(message, (event) => {
      place++;
      if (!Number.isNaN(event.expectedVersion)) {
        this.#insert.writeWaiting();
        // An expected version is refused where no stream is named.
        const last = this.#last(event.stream!);
        if (last !== event.expectedVersion) {
          refused.push({ place, last });
          return;
        }
      }
      this.#insert.batched(index, event);
      this.#newestMs = event.timeMs;
      index++;
    });
    return refused;
  }

  /** Index of the last event of a stream that is served, or -1. */
  #last(stream: string): number {
    const filter = { stream };
    for (let to: number | null = Number.MAX_SAFE_INTEGER; to !== null; ) {
      const page = this.#pages.page({ id: 0, filter, from: 0, to, limit: 1, order: 'desc' });
      const [row] = page.rows;
      if (row !== undefined) return row.index;
      to = page.next;
    }
    return -1;
  }
}
