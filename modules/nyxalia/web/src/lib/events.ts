import { call } from './api/call.js';

/** An event of the ledger, as /ledger/events gives it. */
export interface LedgerEvent {
  index: number;
  type: string;
  module: string;
  stream: string | null;
  correlation_id: string | null;
  time_ms: number;
  v: number;
  data: Record<string, unknown>;
  commitments: Record<string, string>;
  leaf_hash: string;
}

export interface EventFilter {
  type?: string | undefined;
  module?: string | undefined;
  stream?: string | undefined;
  text?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
}

export interface EventPage {
  events: LedgerEvent[];
  /** Where older ones go on; null at the end. */
  next: number | null;
  size: number;
  minimum_index: number;
}

/** The newest events that fit, or those before `until`. @throws Problem */
export async function newestEvents(filter: EventFilter, limit: number): Promise<EventPage> {
  const query = Object.fromEntries(
    Object.entries(filter).filter(([, value]) => value !== undefined && value !== ''),
  );
  const page = await call('GET /ledger/events', { query: { ...query, limit, order: 'desc' } });
  return { ...page, events: page.events as unknown as LedgerEvent[] };
}

/** One event; undefined where it was pruned. @throws Problem */
export async function eventAt(index: number): Promise<LedgerEvent | undefined> {
  const { events } = await call('GET /ledger/events', { query: { since: index, until: index, limit: 1 } });
  return events[0] as unknown as LedgerEvent | undefined;
}
