import type { Database, Statement } from 'better-sqlite3';
import type { LedgerAnalytics } from '../../contracts/analytics.js';
import { analyse } from './analyse.js';
import { hoursProjection } from './hours.js';
import { latestProjection } from './latest.js';
import { Projected, type ProjectedEvent } from './projection.js';

/** Events that are taken in at once; then others have their turn. Some 20 ms. */
const sliceEvents = 2000;

type Leaf = Omit<ProjectedEvent, 'index' | 'stream'> & { stream?: string };

/**
 * The reader thread's account of what happened: made from all events when it is first asked for, then from those that came since. Nobody who
 * does not ask pays for it.
 */
export class Analyst {
  readonly #events: Statement;
  readonly #size: Statement;
  #hours = new Projected(hoursProjection);
  #latest = new Projected(latestProjection);

  constructor(db: Database) {
    this.#events = db.prepare('SELECT "index", leaf FROM events WHERE "index" >= ? ORDER BY "index" LIMIT ?');
    this.#size = db.prepare('SELECT coalesce(max("index") + 1, 0) FROM events').pluck();
  }

  /** Null while there is more to take in: ask again. */
  answer(hours: number): LedgerAnalytics | null {
    const size = this.#size.get() as number;
    // Another log took the place of the one that was looked at.
    if (size < this.#hours.next) {
      this.#hours = new Projected(hoursProjection);
      this.#latest = new Projected(latestProjection);
    }
    const rows = this.#events.all(this.#hours.next, sliceEvents) as { index: number; leaf: Buffer }[];
    for (const { index, leaf } of rows) {
      const { stream = null, ...event } = JSON.parse(leaf.toString('utf8')) as Leaf;
      const projected = { ...event, index, stream };
      this.#hours.take(projected);
      this.#latest.take(projected);
    }
    if (rows.length === sliceEvents) return null;
    return analyse({ hours: this.#hours.state, latest: this.#latest.state, size: this.#hours.next }, hours);
  }
}
