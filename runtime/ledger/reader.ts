import { parentPort, workerData } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import { openForReading } from './database.js';
import type { PageRequest, ReaderReply, ReaderRequest, ThreadData } from './protocol.js';
import { LogAnswers } from './tlog/log-answers.js';

interface Row {
  index: number;
  leaf: Buffer;
  hash: Buffer;
}

/** Answers pages of queries over a read-only connection of its own. */
class Reader {
  #db: Database;
  /** One statement for each combination of filter and order: at most eight. */
  #statements = new Map<string, Statement>();
  #minimum: Statement;

  constructor(db: Database) {
    this.#db = db;
    this.#minimum = db.prepare('SELECT coalesce(max(minimum), 0) FROM log').pluck();
  }

  page(request: PageRequest): ReaderReply {
    const filters = ['"index" BETWEEN @from AND @to'];
    const values: Record<string, string | number> = {
      from: Math.max(request.from, this.#minimum.get() as number),
      to: request.to,
      limit: request.limit,
    };
    if (request.type !== null) {
      filters.push('type = @type');
      values.type = request.type;
    }
    if (request.stream !== null) {
      filters.push('stream = @stream');
      values.stream = request.stream;
    }
    const order = request.order === 'asc' ? 'ASC' : 'DESC';
    const sql = `SELECT "index", leaf, leaf_hash AS hash FROM events WHERE ${filters.join(' AND ')} ORDER BY "index" ${order} LIMIT @limit`;
    const rows = this.#statement(sql).all(values) as Row[];
    return {
      id: request.id,
      indexes: rows.map((row) => row.index),
      leaves: rows.map((row) => row.leaf.toString('utf8')),
      hashes: rows.map((row) => row.hash.toString('hex')),
    };
  }

  close(): void {
    this.#db.close();
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('the reader runs as a worker thread');
  const db = openForReading((workerData as ThreadData).file);
  const reader = new Reader(db);
  const log = new LogAnswers(db);
  port.on('message', (request: ReaderRequest) => {
    if ('kind' in request && request.kind === 'close') {
      reader.close();
      port.close();
      return;
    }
    let reply: ReaderReply;
    try {
      reply = 'kind' in request ? log.answer(request) : reader.page(request);
    } catch (error) {
      reply = { id: request.id, problem: error instanceof Error ? error.message : String(error) };
    }
    port.postMessage(reply, 'bytes' in reply && reply.bytes !== null ? [reply.bytes.buffer] : []);
  });
}

main();
