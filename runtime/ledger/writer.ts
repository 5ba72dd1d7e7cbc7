import { parentPort, workerData } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { saltBytes } from './commitment.js';
import { openForWriting } from './database.js';
import { prefixedLeafHash } from './leaf.js';
import { LedgerFileError } from './ledger-file-error.js';
import {
  type AppendMessage,
  noName,
  type ThreadData,
  type WriterReply,
  type WriterRequest,
} from './protocol.js';

/** The one thread that writes: a batch is one transaction, so one sync of the disk, and is answered after it. */
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

  /** Commits the batch; returns its leaf hashes, 64 hex digits each, one after the other. */
  append(message: AppendMessage): { first: number; hashes: string } {
    const first = this.#next;
    this.#begin.run();
    let hashes: string;
    try {
      hashes = this.#insertAll(message, first);
      this.#commit.run();
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
    this.#next = first + message.count;
    return { first, hashes };
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
  }

  #insertAll(message: AppendMessage, first: number): string {
    const slab = Buffer.from(message.slab);
    const { sizes, names, columns, timesMs, textNames } = message;
    let hashes = '';
    let at = 0;
    let size = 0;
    let text = 0;
    for (let i = 0; i < message.count; i++) {
      const index = first + i;
      const leafEnd = at + 1 + sizes[size++]!;
      const hash = prefixedLeafHash(slab.subarray(at, leafEnd));
      const leaf = slab.subarray(at + 1, leafEnd);
      const correlationEnd = leafEnd + sizes[size++]!;
      const stream = columns[i * 3 + 2]!;
      this.#insertEvent.run(
        index,
        names[columns[i * 3]!],
        names[columns[i * 3 + 1]!],
        stream === noName ? null : names[stream],
        correlationEnd === leafEnd ? null : slab.toString('utf8', leafEnd, correlationEnd),
        timesMs[i],
        leaf,
        Buffer.from(hash, 'hex'),
      );
      hashes += hash;
      at = correlationEnd;
      for (let left = sizes[size++]!; left > 0; left--) {
        const textStart = at + saltBytes;
        const textEnd = textStart + sizes[size++]!;
        this.#insertText.run(
          index,
          textNames[text++],
          slab.subarray(at, textStart),
          slab.subarray(textStart, textEnd),
        );
        at = textEnd;
      }
    }
    return hashes;
  }
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
    if (request.kind === 'close') {
      writer.close();
      port.close();
      return;
    }
    try {
      const { first, hashes } = writer.append(request);
      reply({ kind: 'appended', first, hashes, slab: request.slab }, [request.slab]);
    } catch (error) {
      // After a failed write or sync nothing more is written through this connection: what the disk holds is unknown.
      reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
      port.close();
    }
  });
}

main();
