import type { Database } from 'better-sqlite3';
import type { EventFilter } from '../protocol.js';
import { EventPages, type EventRow } from '../search/event-pages.js';

/** Events in memory at a time. */
const pageEvents = 500;

export interface ExportRange extends EventFilter {
  /** Positions, both included. */
  since: number;
  until: number;
}

/**
 * Events that fit, in order, a page at a time. Between two pages nothing of the file is held, so a running server is not kept from
 * copying its write-ahead log back.
 */
export function* exportRows(db: Database, { since, until, ...filter }: ExportRange): Generator<EventRow[]> {
  const pages = new EventPages(db);
  let from: number | null = since;
  while (from !== null && from <= until) {
    const page = pages.page({ id: 0, filter, from, to: until, limit: pageEvents, order: 'asc' });
    if (page.rows.length > 0) yield page.rows;
    from = page.next;
  }
}
