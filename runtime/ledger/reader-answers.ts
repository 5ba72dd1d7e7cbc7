import type { Database } from 'better-sqlite3';
import { Analyst } from './projections/analyst.js';
import type { PageRequest, ReaderReply, ReaderRequest } from './protocol.js';
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

/** Answers pages of queries, and what is asked of the log, over a read-only connection. */
export function readerAnswers(
  db: Database,
): (request: Exclude<ReaderRequest, { kind: 'close' }>) => ReaderReply {
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
  return (request) => {
    try {
      if (!('kind' in request)) return pageReply(pages, request);
      if (request.kind === 'analyse') return { id: request.id, analytics: analyst.answer(request.hours) };
      if (request.kind === 'texts') return { id: request.id, texts: request.indexes.map(textsOf) };
      return log.answer(request);
    } catch (error) {
      return { id: request.id, problem: error instanceof Error ? error.message : String(error) };
    }
  };
}
