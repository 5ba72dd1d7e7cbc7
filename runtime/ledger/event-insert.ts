import type { Database, Statement } from 'better-sqlite3';
import type { NewEvent } from '../contracts/ledger.js';
import type { BatchEvent } from './batch-reader.js';
import { encodeEvent, type Stamp } from './event.js';
import { leafPrefix, prefixedLeafHash } from './leaf.js';
import { hashBytes } from './merkle/node-hash.js';
import { BundleSummaries } from './search/summaries.js';

/** Writes events into the file, within the transaction that runs. */
export class EventInsert {
  readonly #event: Statement;
  readonly #text: Statement;
  readonly #summaries: BundleSummaries;
  /** The leaf hash of the event that is being written. */
  readonly #hash = Buffer.alloc(hashBytes);

  constructor(db: Database) {
    this.#event = db.prepare(
      'INSERT INTO events ("index", type, module, stream, correlation_id, time_ms, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#text = db.prepare('INSERT INTO texts (event_index, name, salt, text) VALUES (?, ?, ?, ?)');
    this.#summaries = new BundleSummaries(db);
  }

  /** Returns the leaf hash, 64 hexadecimal digits. */
  batched(index: number, event: BatchEvent): string {
    const { type, module, stream, correlationId, timeMs, prefixed, texts } = event;
    const hash = prefixedLeafHash(prefixed);
    this.#hash.write(hash, 'hex');
    const leaf = prefixed.subarray(1);
    this.#event.run(index, type, module, stream, correlationId, timeMs, leaf, this.#hash);
    for (const { name, salt, bytes } of texts) this.#text.run(index, name, salt, bytes);
    this.#summaries.add({ type, module, stream, correlationId, timeMs, leaf });
    return hash;
  }

  /** An event of the ledger itself, about the ledger. Returns the leaf hash as above. */
  own(index: number, event: NewEvent, stamp: Stamp): string {
    const { leaf, texts } = encodeEvent(event, stamp);
    return this.batched(index, {
      type: event.type,
      module: event.module,
      stream: event.stream ?? null,
      correlationId: event.correlationId ?? null,
      timeMs: stamp.timeMs,
      expectedVersion: Number.NaN,
      prefixed: Buffer.concat([Buffer.of(leafPrefix), Buffer.from(leaf, 'utf8')]),
      texts: [...texts],
    });
  }
}
