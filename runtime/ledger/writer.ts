import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { readBatch } from './batch-reader.js';
import { openForWriting } from './database.js';
import { prefixedLeafHash } from './leaf.js';
import { LedgerFileError } from './ledger-file-error.js';
import type { AppendedBatch, AppendMessage, ThreadData, WriterReply, WriterRequest } from './protocol.js';

/** The one thread that writes: the batches that lie ready are one transaction, so one sync of the disk, and are answered after it. */
class Writer {
  #db: Database;
  #next: number;
  #begin: Statement;
  #commit: Statement;
  #insertEvent: Statement;
  #insertText: Statement;

  constructor(db: Database, size: number) {
    this.#db = db;
    this.#next = size;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#insertEvent = db.prepare(
      'INSERT INTO events ("index", type, module, stream, correlation_id, time_ms, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertText = db.prepare('INSERT INTO texts (event_index, name, salt, text) VALUES (?, ?, ?, ?)');
  }

  /** Commits the batches together. */
  append(messages: readonly AppendMessage[]): { first: number; batches: AppendedBatch[] } {
    const first = this.#next;
    let next = first;
    const batches: AppendedBatch[] = [];
    this.#begin.run();
    try {
      for (const message of messages) {
        batches.push({ hashes: this.#insertAll(message, next), slab: message.slab });
        next += message.count;
      }
      this.#commit.run();
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
    this.#next = next;
    return { first, batches };
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
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

/** The batches that lie ready, the first of them given, and whether the request to close came after them. */
function takeReady(port: MessagePort, request: WriterRequest): { messages: AppendMessage[]; close: boolean } {
  const messages: AppendMessage[] = [];
  let next: { message: WriterRequest } | undefined = { message: request };
  while (next !== undefined) {
    if (next.message.kind === 'close') return { messages, close: true };
    messages.push(next.message);
    next = receiveMessageOnPort(port) as typeof next;
  }
  return { messages, close: false };
}

function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('the writer runs as a worker thread');
  const reply = (message: WriterReply, moved: ArrayBuffer[] = []) => port.postMessage(message, moved);

  let writer: Writer;
  try {
    const { db, size } = openForWriting((workerData as ThreadData).file);
    writer = new Writer(db, size);
    reply({ kind: 'opened', size });
  } catch (error) {
    if (!(error instanceof LedgerFileError)) throw error;
    reply({ kind: 'refused', code: error.code, message: error.message });
    return;
  }

  port.on('message', (request: WriterRequest) => {
    const { messages, close } = takeReady(port, request);
    try {
      if (messages.length > 0) {
        const { first, batches } = writer.append(messages);
        reply(
          { kind: 'appended', first, batches },
          batches.map(({ slab }) => slab),
        );
      }
    } catch (error) {
      // After a failed write or sync nothing more is written through this connection: what the disk holds is unknown.
      reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      port.close();
      return;
    }
    if (!close) return;
    writer.close();
    port.close();
  });
}

main();
