import type { Database, Statement } from 'better-sqlite3';
import type { EraseSelector } from '../contracts/ledger.js';

/** Events that one step looks at: some milliseconds, between two batches. */
const stepEvents = 4096;
/** Texts that one step deletes at most, and then goes on from there. */
const stepDeletes = 256;
/** Of the erased events so many are named one by one. */
const indexesMax = 1000;
/** Null for what was said without a key and without signing in. */
const ownerOfEvent =
  "(SELECT own.text FROM texts own WHERE own.event_index = texts.event_index AND own.name = 'key')";

/**
 * Deletes texts and their salts from one ledger file, in steps that are transactions of their own. What identifies a person is in texts only,
 * so it is looked for by reading them: there is no index of sessions and keys that would have to be erased too.
 */
export class Eraser {
  readonly #db: Database;
  readonly #find: Statement;
  readonly #value: Buffer | number | undefined;
  readonly #owner: Buffer | null = null;
  readonly #delete: Statement;
  readonly #ids: readonly number[] | undefined;
  readonly #end: number;
  #next: number;
  events = 0;
  texts = 0;
  /** The first thousand of the events. */
  readonly indexes: number[] = [];

  constructor(db: Database, selector: EraseSelector) {
    this.#db = db;
    const within = 'BETWEEN @from AND @to';
    if ('before' in selector) {
      this.#find = db
        .prepare(
          `SELECT "index" FROM events WHERE "index" ${within} AND time_ms < @value AND EXISTS (SELECT 1 FROM texts WHERE event_index = "index") ORDER BY "index" LIMIT ${stepDeletes}`,
        )
        .pluck();
      this.#value = selector.before;
    } else {
      const name = 'session' in selector ? 'session' : 'key';
      const isOfOne = 'session' in selector && selector.owner !== undefined;
      const whose = isOfOne ? `AND ${ownerOfEvent} IS @owner` : '';
      this.#find = db
        .prepare(
          `SELECT event_index FROM texts WHERE event_index ${within} AND name = '${name}' AND text = @value ${whose} ORDER BY event_index LIMIT ${stepDeletes}`,
        )
        .pluck();
      if ('session' in selector) this.#value = Buffer.from(selector.session, 'utf8');
      if ('session' in selector && typeof selector.owner === 'string')
        this.#owner = Buffer.from(selector.owner, 'utf8');
      if ('key' in selector) this.#value = Buffer.from(selector.key, 'utf8');
    }
    this.#ids = 'ids' in selector ? selector.ids : undefined;
    this.#delete = db.prepare('DELETE FROM texts WHERE event_index = ?');
    const bounds = db.prepare('SELECT min("index") AS first, max("index") AS last FROM events').get();
    const { first, last } = bounds as { first: number | null; last: number | null };
    this.#next = first ?? 0;
    this.#end = (last ?? -1) + 1;
  }

  /** Erases what the next events hold of it; returns whether all was looked at. What is recorded after the beginning is not. */
  step(): boolean {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const isDone = this.#ids === undefined ? this.#nextRange() : this.#nextIds(this.#ids);
      this.#db.exec('COMMIT');
      return isDone;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Copies the write-ahead log back and cuts it to nothing; returns whether no reader was in the way. */
  truncate(): boolean {
    const waitMs = this.#db.pragma('busy_timeout', { simple: true }) as number;
    this.#db.pragma('busy_timeout = 0');
    try {
      const [result] = this.#db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
      return result?.busy === 0;
    } finally {
      this.#db.pragma(`busy_timeout = ${waitMs}`);
    }
  }

  #nextRange(): boolean {
    if (this.#next >= this.#end) return true;
    const to = Math.min(this.#next + stepEvents, this.#end) - 1;
    const place = { from: this.#next, to, value: this.#value, owner: this.#owner };
    const found = this.#find.all(place) as number[];
    for (const index of found) this.#erase(index);
    this.#next = found.length === stepDeletes ? found.at(-1)! + 1 : to + 1;
    return this.#next >= this.#end;
  }

  #nextIds(ids: readonly number[]): boolean {
    for (const index of ids) this.#erase(index);
    return true;
  }

  #erase(index: number): void {
    const { changes } = this.#delete.run(index);
    if (changes === 0) return;
    this.events++;
    this.texts += changes;
    if (this.indexes.length < indexesMax) this.indexes.push(index);
  }
}
