import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { systemClock } from '../contracts/clock.js';
import { readBatch } from './batch-reader.js';
import { fileError, openForWriting } from './database.js';
import { prefixedLeafHash } from './leaf.js';
import { LedgerFileError } from './ledger-file-error.js';
import type {
  AppendedBatch,
  AppendMessage,
  SignedCheckpoint,
  ThreadData,
  WriterReply,
  WriterRequest,
} from './protocol.js';
import type { LogWriter } from './tlog/log-writer.js';
import { openLog } from './tlog/open-log.js';

/** The one thread that writes: the batches that lie ready are one transaction, so one sync of the disk, and are answered after it. */
class Writer {
  #db: Database;
  #next: number;
  #log: LogWriter;
  #begin: Statement;
  #commit: Statement;
  #insertEvent: Statement;
  #insertText: Statement;

  constructor(db: Database, size: number, log: LogWriter) {
    this.#db = db;
    this.#next = size;
    this.#log = log;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#insertEvent = db.prepare(
      'INSERT INTO events ("index", type, module, stream, correlation_id, time_ms, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertText = db.prepare('INSERT INTO texts (event_index, name, salt, text) VALUES (?, ?, ?, ?)');
  }

  /** Number of events. */
  get size(): number {
    return this.#next;
  }

  /** Commits the batches together, with their tiles and, when one is due, a checkpoint over them. */
  append(messages: readonly AppendMessage[]): Omit<Extract<WriterReply, { kind: 'appended' }>, 'kind'> {
    const first = this.#next;
    let next = first;
    const batches: AppendedBatch[] = [];
    const checkpoint = this.#transaction(() => {
      for (const message of messages) {
        const hashes = this.#insertAll(message, next);
        this.#log.append(Buffer.from(hashes, 'hex'));
        batches.push({ hashes, slab: message.slab });
        next += message.count;
      }
      return this.#log.dueInMs() === 0 ? this.#log.sign() : undefined;
    });
    this.#next = next;
    return { first, batches, checkpoint };
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

  /** Returns the leaf hashes, 64 hexadecimal digits each. */
  #insertAll(message: AppendMessage, first: number): string {
    let hashes = '';
    let index = first;
    readBatch(message, ({ type, module, stream, correlationId, timeMs, prefixed, texts }) => {
      const hash = prefixedLeafHash(prefixed);
      const leaf = prefixed.subarray(1);
      this.#insertEvent.run(
        index,
        type,
        module,
        stream,
        correlationId,
        timeMs,
        leaf,
        Buffer.from(hash, 'hex'),
      );
      for (const { name, salt, bytes } of texts) this.#insertText.run(index, name, salt, bytes);
      hashes += hash;
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

  let writer: Writer;
  let log: LogWriter;
  try {
    ({ writer, log } = await openAll((workerData as ThreadData).file));
    reply({ kind: 'opened', size: writer.size, verifierKey: log.verifierKey, checkpoint: log.checkpoint });
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
    port.close();
  });
}

async function openAll(file: string): Promise<{ writer: Writer; log: LogWriter }> {
  const { db, size } = openForWriting(file);
  try {
    const log = await openLog(db, { file, size, clock: systemClock });
    return { writer: new Writer(db, size, log), log };
  } catch (error) {
    db.close();
    throw fileError(file, error);
  }
}

await main();
