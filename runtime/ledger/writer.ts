import { dirname } from 'node:path';
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { systemClock } from '../contracts/clock.js';
import type { NewEvent } from '../contracts/ledger.js';
import { readBatch } from './batch-reader.js';
import { fileError } from './database.js';
import { EventInsert } from './event-insert.js';
import { LedgerFileError } from './ledger-file-error.js';
import { ownStamp } from './own-stamp.js';
import type {
  AppendedBatch,
  AppendMessage,
  SignedCheckpoint,
  WriterData,
  WriterReply,
  WriterRequest,
} from './protocol.js';
import { Pruner } from './pruner.js';
import { openEpoch } from './tlog/epochs.js';
import { LastCheckpointFile } from './tlog/last-checkpoint.js';
import type { LogWriter } from './tlog/log-writer.js';
import { openLog } from './tlog/open-log.js';

interface OpenedLog {
  writer: Writer;
  log: LogWriter;
  previous: string | undefined;
  notices: string[];
}

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

  constructor(db: Database, size: number, log: LogWriter, data: WriterData) {
    this.#data = data;
    this.#db = db;
    this.#next = size;
    this.#log = log;
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
    return { first, batches, own, minimum: this.minimum, checkpoint };
  }

  /** Commits a checkpoint of what is recorded. */
  checkpoint(): SignedCheckpoint {
    return this.#transaction(() => this.#log.sign());
  }

  close(): void {
    if (!this.#log.isCovered()) this.checkpoint();
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }

  #transaction<T>(work: () => T): T {
    this.#begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
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

/** The batches that lie ready, the first of them given. */
function takeReady(port: MessagePort, request: WriterRequest): Ready {
  const ready: Ready = { messages: [], checkpoint: false, close: false };
  let next: { message: WriterRequest } | undefined = { message: request };
  while (next !== undefined) {
    if (next.message.kind === 'close') return { ...ready, close: true };
    if (next.message.kind === 'checkpoint') ready.checkpoint = true;
    else ready.messages.push(next.message);
    next = receiveMessageOnPort(port) as typeof next;
  }
  return ready;
}

async function main(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('the writer runs as a worker thread');
  const reply = (message: WriterReply, moved: ArrayBuffer[] = []) => port.postMessage(message, moved);

  const data = workerData as WriterData;
  let writer: Writer;
  let log: LogWriter;
  let last: LastCheckpointFile;
  try {
    const opened = await openAll(data);
    ({ writer, log } = opened);
    const { previous, notices } = opened;
    const { size, minimum } = writer;
    const { verifierKey, checkpoint } = log;
    reply({ kind: 'opened', size, minimum, verifierKey, checkpoint, previous, notices });
    last = new LastCheckpointFile(dirname(data.file), verifierKey, (message) =>
      reply({ kind: 'notice', message }),
    );
  } catch (error) {
    if (!(error instanceof LedgerFileError)) throw error;
    reply({ kind: 'refused', code: error.code, message: error.message });
    return;
  }

  let timer: NodeJS.Timeout | undefined;
  /** Does something with the file, then waits for the time of the next checkpoint. Returns whether it could. */
  const work = (task: () => void): boolean => {
    clearTimeout(timer);
    try {
      task();
    } catch (error) {
      // After a failed write or sync nothing more is written through this connection: what the disk holds is unknown.
      reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      port.close();
      return false;
    }
    if (log.checkpoint !== undefined) last.signed(log.checkpoint.note);
    const dueInMs = log.dueInMs();
    if (dueInMs !== undefined) timer = setTimeout(() => work(signDue), dueInMs);
    return true;
  };
  const signDue = () => reply({ kind: 'checkpoint', checkpoint: writer.checkpoint() });

  port.on('message', (request: WriterRequest) => {
    const { messages, checkpoint, close } = takeReady(port, request);
    const done = work(() => {
      if (checkpoint) log.want();
      if (messages.length > 0) {
        const appended = writer.append(messages);
        const slabs = appended.batches.map(({ slab }) => slab);
        reply({ kind: 'appended', ...appended }, slabs);
      } else if (checkpoint && log.checkpoint !== undefined && log.isCovered()) {
        reply({ kind: 'checkpoint', checkpoint: log.checkpoint });
      }
    });
    if (!done || !close) return;
    clearTimeout(timer);
    writer.close();
    if (log.checkpoint !== undefined) last.signed(log.checkpoint.note);
    last.close();
    port.close();
  });
}

async function openAll(data: WriterData): Promise<OpenedLog> {
  const { file, sizeLimitBytes, epochReason: reason } = data;
  const { db, size: stored, succession } = await openEpoch(file, { sizeLimitBytes, reason });
  try {
    const options = { file, size: stored, clock: systemClock, succession, stamp: ownStamp(data) };
    const { log, size } = await openLog(db, options);
    const previous = db.prepare('SELECT previous FROM log').pluck().get() as string | null;
    const { reason: why, setAside } = succession;
    const notices =
      setAside === undefined
        ? []
        : [
            `the ledger was not the one whose last checkpoint is known (${why}); it is kept as ${setAside}, and a new epoch of the log began: ${log.verifierKey}`,
          ];
    return { writer: new Writer(db, size, log, data), log, previous: previous ?? undefined, notices };
  } catch (error) {
    db.close();
    throw fileError(file, error);
  }
}

await main();
