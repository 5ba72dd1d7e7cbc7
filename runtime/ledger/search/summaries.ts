import type { Database, Statement } from 'better-sqlite3';
import { bloomOf } from './bloom.js';
import { eventWords } from './words.js';

/** Events in a bundle, as in the tiles of the log: what is pruned together is summed up together. */
export const bundleEvents = 256;
/** Beyond so many different items a bundle is summed up as "perhaps anything". */
const itemsMax = 8192;

/** What a look for one bundle needs of an event. */
export interface SummedEvent {
  type: string;
  module: string;
  stream: string | null;
  correlationId: string | null;
  timeMs: number;
  leaf: Buffer;
}

/** Version of the ledger's schema from which on a summary tells types and streams. */
export const summedFrom = 6;

export const typeItem = (type: string): string => `t ${type}`;
export const streamItem = (stream: string): string => `s ${stream}`;
export const moduleItem = (module: string): string => `m ${module}`;
export const correlationItem = (id: string): string => `c ${id}`;
export const wordItem = (word: string): string => `w ${word}`;

/**
 * Sums up each full bundle of 256 events in one row: first and last time, and a Bloom filter over types, modules, streams, correlation
 * ids and words. A query then skips the bundles that hold nothing for it and reads the others. Some 1.3 bytes an event; an index over the
 * correlation ids alone takes twenty times that, and every index is written with every transaction: over type and stream they were
 * 5 of the 12 pages that a transaction of 15 decisions wrote.
 */
export class BundleSummaries {
  readonly #insert: Statement;
  #number: number;
  #count = 0;
  #timeMin = 0;
  #timeMax = 0;
  #items = new Set<string>();
  /** Of the latest event: mostly those of the next one too, and in the items then. */
  #latest: Partial<Pick<SummedEvent, 'type' | 'module' | 'stream'>> = {};

  /** Sums up what the file holds and no row covers. */
  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO bundles (number, time_min, time_max, items) VALUES (?, ?, ?, ?)');
    const last = db.prepare('SELECT max(number) FROM bundles').pluck().get() as number | null;
    const first = db.prepare('SELECT min("index") FROM events').pluck().get() as number | null;
    this.#number = last === null ? Math.floor((first ?? 0) / bundleEvents) : last + 1;
    const missing = db.prepare(
      'SELECT type, module, stream, correlation_id AS correlationId, time_ms AS timeMs, leaf FROM events WHERE "index" BETWEEN ? AND ? ORDER BY "index"',
    );
    const catchUp = db.transaction(() => {
      let rows: SummedEvent[];
      do {
        const from = this.#number * bundleEvents;
        rows = missing.all(from, from + bundleEvents - 1) as SummedEvent[];
        for (const event of rows) this.add(event);
      } while (rows.length === bundleEvents);
    });
    catchUp();
  }

  /** Takes in the next event; within the transaction that records it. */
  add({ type, module, stream, correlationId, timeMs, leaf }: SummedEvent): void {
    this.#timeMin = this.#count === 0 ? timeMs : Math.min(this.#timeMin, timeMs);
    this.#timeMax = this.#count === 0 ? timeMs : Math.max(this.#timeMax, timeMs);
    const items = this.#items;
    if (items.size <= itemsMax) {
      const latest = this.#latest;
      if (type !== latest.type) items.add(typeItem(type));
      if (module !== latest.module) items.add(moduleItem(module));
      if (stream !== null && stream !== latest.stream) items.add(streamItem(stream));
      latest.type = type;
      latest.module = module;
      latest.stream = stream;
      if (correlationId !== null) items.add(correlationItem(correlationId));
      for (const word of eventWords(type, leaf)) items.add(wordItem(word));
    }
    this.#count++;
    if (this.#count === bundleEvents) this.#close();
  }

  #close(): void {
    const bloom = this.#items.size > itemsMax ? null : bloomOf(this.#items);
    this.#insert.run(this.#number, this.#timeMin, this.#timeMax, bloom);
    this.#number++;
    this.#count = 0;
    this.#items = new Set();
    this.#latest = {};
  }
}
