import { parentPort, workerData } from 'node:worker_threads';
import { openForReading } from './database.js';
import { Analyst } from './projections/analyst.js';
import type { PageRequest, ReaderReply, ReaderRequest, ThreadData } from './protocol.js';
import { EventPages } from './search/event-pages.js';
import { LogAnswers } from './tlog/log-answers.js';

function pageReply(pages: EventPages, request: PageRequest): ReaderReply {
  const { rows, next } = pages.page(request);
  return {
    id: request.id,
    indexes: rows.map((row) => row.index),
    leaves: rows.map((row) => row.leaf.toString('utf8')),
    hashes: rows.map((row) => row.hash.toString('hex')),
    next,
  };
}

/** Answers pages of queries, and what is asked of the log, over a read-only connection of its own. */
function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('the reader runs as a worker thread');
  const db = openForReading((workerData as ThreadData).file);
  const pages = new EventPages(db);
  const analyst = new Analyst(db);
  const log = new LogAnswers(db);
  const texts = db.prepare('SELECT name, text FROM texts WHERE event_index = ?');
  const textsOf = (index: number) =>
    Object.fromEntries(
      (texts.all(index) as { name: string; text: Buffer }[]).map(({ name, text }) => [
        name,
        text.toString('utf8'),
      ]),
    );
  port.on('message', (request: ReaderRequest) => {
    if ('kind' in request && request.kind === 'close') {
      db.close();
      port.close();
      return;
    }
    let reply: ReaderReply;
    try {
      if (!('kind' in request)) reply = pageReply(pages, request);
      else if (request.kind === 'analyse')
        reply = { id: request.id, analytics: analyst.answer(request.hours) };
      else if (request.kind === 'texts') reply = { id: request.id, texts: request.indexes.map(textsOf) };
      else reply = log.answer(request);
    } catch (error) {
      reply = { id: request.id, problem: error instanceof Error ? error.message : String(error) };
    }
    port.postMessage(reply, 'bytes' in reply && reply.bytes !== null ? [reply.bytes.buffer] : []);
  });
}

main();
