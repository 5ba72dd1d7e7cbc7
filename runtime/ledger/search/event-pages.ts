import type { Database, Statement } from 'better-sqlite3';
import type { EventFilter, PageRequest } from '../protocol.js';
import { mayHold } from './bloom.js';
import {
  bundleEvents,
  correlationItem,
  moduleItem,
  streamItem,
  summedFrom,
  typeItem,
  wordItem,
} from './summaries.js';
import { eventWords, wordsOf } from './words.js';

/** Bundles that are read for one page; then others have their turn. */
const bundlesRead = 32;
/** Summaries in memory at a time. */
const summariesRead = 64;

export interface EventRow {
  index: number;
  type: string;
  leaf: Buffer;
  hash: Buffer;
}

export interface EventPage {
  rows: EventRow[];
  /** Where the next page begins: a lowest index, or with `desc` a highest one; null when there is no more. */
  next: number | null;
}

const columns: readonly (readonly [keyof EventFilter, string])[] = [
  ['type', 'type = @type'],
  ['stream', 'stream = @stream'],
  ['module', 'module = @module'],
  ['correlationId', 'correlation_id = @correlationId'],
  ['fromMs', 'time_ms >= @fromMs'],
  ['toMs', 'time_ms < @toMs'],
];

interface Bundle {
  number: number;
  items: Buffer | null;
}

/** First and last number of some bundles. */
interface Range {
  lowest: number;
  highest: number;
}

/** Finds events by the summaries of their bundles; the last, not yet full bundle is read. */
export class EventPages {
  readonly #db: Database;
  /** One statement for each combination of filters and order: at most 128. */
  readonly #statements = new Map<string, Statement>();

  readonly #minimum: Statement;
  readonly #size: Statement;
  readonly #lastSummed: Statement;
  /** The summaries of an older program's file do not tell enough: each bundle may hold everything. */
  readonly #isSummed: boolean;

  constructor(db: Database) {
    this.#db = db;
    this.#isSummed = (db.pragma('user_version', { simple: true }) as number) >= summedFrom;
    this.#size = db.prepare('SELECT coalesce(max("index") + 1, 0) FROM events').pluck();
    this.#lastSummed = db.prepare('SELECT coalesce(max(number), -1) FROM bundles').pluck();
    this.#minimum = db.prepare('SELECT coalesce(max(minimum), 0) FROM log').pluck();
  }

  /** Events from the minimum index on: what is below it goes. */
  page({ from, ...rest }: PageRequest): EventPage {
    const request = { ...rest, from: Math.max(from, this.#minimum.get() as number) };
    if (Object.values(request.filter).some((value) => value !== undefined)) return this.#byBundles(request);
    const rows = this.#rows(request, request);
    return { rows, next: rows.length < request.limit ? null : after(rows.at(-1)!.index, request) };
  }

  #byBundles(request: PageRequest): EventPage {
    const { filter, order, limit } = request;
    const words = filter.text === undefined ? undefined : wordsOf(filter.text);
    const items = [
      ...(filter.type === undefined ? [] : [typeItem(filter.type)]),
      ...(filter.stream === undefined ? [] : [streamItem(filter.stream)]),
      ...(filter.module === undefined ? [] : [moduleItem(filter.module)]),
      ...(filter.correlationId === undefined ? [] : [correlationItem(filter.correlationId)]),
      ...(words ?? []).map(wordItem),
    ];
    const rows: EventRow[] = [];
    let read = 0;
    for (const bundle of this.#bundles(request)) {
      if (bundle.items !== null && !items.every((item) => mayHold(bundle.items!, item))) continue;
      const first = bundle.number * bundleEvents;
      const place = {
        from: Math.max(request.from, first),
        to: Math.min(request.to, first + bundleEvents - 1),
      };
      if (read === bundlesRead) return { rows, next: order === 'asc' ? place.from : place.to };
      read++;
      for (const row of this.#rows(request, place)) {
        if (words !== undefined && !holdsAll(row, words)) continue;
        rows.push(row);
        if (rows.length === limit) return { rows, next: after(row.index, request) };
      }
    }
    return { rows, next: null };
  }

  /** Bundles of the page's range that may hold what is looked for by time, in the order of the page. */
  *#bundles({ from, to, order, filter }: PageRequest): Generator<Bundle> {
    const lowest = Math.floor(from / bundleEvents);
    const last = Math.min(to, (this.#size.get() as number) - 1);
    const highest = Math.floor(last / bundleEvents);
    const summed = this.#isSummed ? Math.min(this.#lastSummed.get() as number, highest) : -1;
    const open: Bundle[] = [];
    for (let number = Math.max(lowest, summed + 1); number <= highest; number++) {
      open.push({ number, items: null });
    }
    if (order === 'desc') yield* open.reverse();
    yield* this.#summaries({ lowest, highest: summed }, { order, filter });
    if (order === 'asc') yield* open;
  }

  /** Some at once, because a statement that is being read keeps its snapshot of the file. */
  *#summaries(
    { lowest, highest }: Range,
    { order, filter }: Pick<PageRequest, 'order' | 'filter'>,
  ): Generator<Bundle> {
    const statement = this.#statement(
      `SELECT number, items FROM bundles WHERE number BETWEEN ? AND ? AND time_max >= ? AND time_min < ? ORDER BY number ${order}`,
    );
    const { fromMs = -Number.MAX_SAFE_INTEGER, toMs = Number.MAX_SAFE_INTEGER } = filter;
    for (let done = 0; lowest + done <= highest; done += summariesRead) {
      const ahead = lowest + done;
      const back = highest - done;
      const some =
        order === 'asc'
          ? [ahead, Math.min(ahead + summariesRead - 1, highest)]
          : [Math.max(back - summariesRead + 1, lowest), back];
      yield* statement.all(...some, fromMs, toMs) as Bundle[];
    }
  }

  #rows({ filter, order, limit }: PageRequest, place: { from: number; to: number }): EventRow[] {
    const used = columns.filter(([name]) => filter[name] !== undefined);
    const where = ['"index" BETWEEN @from AND @to', ...used.map(([, condition]) => condition)].join(' AND ');
    const sql = `SELECT "index", type, leaf, leaf_hash AS hash FROM events WHERE ${where} ORDER BY "index" ${order} LIMIT @limit`;
    const values: Record<string, string | number> = {
      from: place.from,
      to: place.to,
      // Which rows hold the words is seen only when they are read.
      limit: filter.text === undefined ? limit : bundleEvents,
    };
    for (const [name] of used) values[name] = filter[name]!;
    return this.#statement(sql).all(values) as EventRow[];
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

function holdsAll({ type, leaf }: EventRow, words: readonly string[]): boolean {
  const held = eventWords(type, leaf);
  return words.every((word) => held.has(word));
}

/** Where a page goes on behind the last of its events. */
function after(index: number, { order, from, to }: PageRequest): number | null {
  if (order === 'asc') return index < to ? index + 1 : null;
  return index > from ? index - 1 : null;
}
