import type { Database, Statement } from 'better-sqlite3';
import type { Old } from './age-limit.js';
import { tileWidth } from './tlog/tile-tree.js';

/** What the ledger's files hold together unless configured otherwise. */
export const sizeLimitBytesDefault = 500_000_000;
/** Below this the room for the write-ahead log would be most of it. */
export const sizeLimitBytesMin = 8_000_000;
/** Kept free of the limit for the write-ahead log and for what arrives until pruning caught up: a quarter, at most so much. */
const reserveBytesMax = 67_108_864;
/** The minimum index moves so that this share of the limit becomes free: 8 MB of 500, some 7,000 decisions. */
const stepShare = 1 / 64;
/** Bundles that the minimum index passes at once, at most. */
const moveBundlesMax = 64;
/** Events deleted by one statement. */
const chunkEvents = 64;
/** Least and most that one transaction deletes, beside twice what it adds. */
const stepEventsMin = 256;
const stepEventsMax = 8192;
/** Pages given back to the file system by one transaction, where the file is larger than it may be: the limit was lowered. */
const vacuum = 'PRAGMA incremental_vacuum(256)';
/** Bytes of an event beside its leaf and texts: columns, its share of a summary, its hash here and in the tile. About. */
const overheadBytes = 200;

/** Bytes of the file that may be in use, so that file and write-ahead log stay below the limit. */
function usableBytes(limitBytes: number): number {
  return limitBytes - reserveBytes(limitBytes);
}

export function reserveBytes(limitBytes: number): number {
  return Math.min(Math.floor(limitBytes / 4), reserveBytesMax);
}

/** A batch or a transaction that has grown to this takes no more events, so that it fits into the reserve with all that it deletes. */
export function transactionBytes(limitBytes: number): number {
  return Math.min(4_194_304, Math.floor(reserveBytes(limitBytes) / 16));
}

/** Most that a byte of an event or beside it takes of the file, pages that are half empty included. */
const roomPerByte = 2;

/** What a transaction added; `size` is that of the log with it. */
interface Added {
  size: number;
  events: number;
  bytes: number;
}

interface Room {
  /** Pages that hold something, and those of the whole file, in bytes. */
  used: number;
  file: number;
}

/**
 * Keeps the ledger's file below its limit: moves the published minimum index, in whole bundles of 256, and deletes what is below it in
 * steps that belong to the transactions of the events that make the room short. So it needs no sync of its own, and keeps pace.
 *
 *   0          first              minimum                         size
 *   │  deleted  │  to be deleted   │  entries, texts, tiles        │
 *   └──────────── of the tree: levels 1 and above ───────────────── ┘
 *
 * All state is in the file.
 */
export class Pruner {
  readonly #db: Database;
  readonly #limitBytes: number;
  readonly #room: Statement;
  #minimum: number;
  /** As it was when it was looked at last, and the most that the transactions since then can have added. */
  #lastRoom: Room;
  #addedSince = 0;
  /** The oldest event that is stored; undefined while there is none. */
  #oldest: number | undefined;
  readonly #setMinimum: Statement;
  readonly #leafBytes: Statement;
  readonly #textBytes: Statement;
  readonly #deleteTexts: Statement;
  readonly #deleteEvents: Statement;
  readonly #deleteCheckpoints: Statement;
  readonly #deleteSummaries: Statement;
  readonly #isTile: Statement;
  readonly #deleteTiles: Statement;
  readonly #emptyTile: Statement;
  readonly #timeMax: Statement;
  /** The bundle that was looked at last. */
  #newest: { first: number; ms: number } | undefined;

  constructor(db: Database, limitBytes: number) {
    this.#db = db;
    this.#limitBytes = limitBytes;
    this.#room = db.prepare(
      'SELECT (page_count - freelist_count) * page_size AS used, page_count * page_size AS file FROM pragma_page_count, pragma_freelist_count, pragma_page_size',
    );
    // Nobody else changes it, and a transaction that fails is the last of its connection.
    this.#minimum = db.prepare('SELECT minimum FROM log').pluck().get() as number;
    this.#lastRoom = this.room();
    this.#setMinimum = db.prepare('UPDATE log SET minimum = ?');
    const oldest = db.prepare('SELECT min("index") FROM events').pluck().get() as number | null;
    this.#oldest = oldest ?? undefined;
    const range = 'BETWEEN ? AND ?';
    this.#leafBytes = db
      .prepare(`SELECT coalesce(sum(length(leaf)), 0) FROM events WHERE "index" ${range}`)
      .pluck();
    this.#textBytes = db
      .prepare(`SELECT coalesce(sum(length(text)), 0) FROM texts WHERE event_index ${range}`)
      .pluck();
    this.#deleteTexts = db.prepare(`DELETE FROM texts WHERE event_index ${range}`);
    this.#deleteEvents = db.prepare(`DELETE FROM events WHERE "index" ${range}`);
    this.#deleteCheckpoints = db.prepare('DELETE FROM checkpoints WHERE size < ?');
    this.#deleteSummaries = db.prepare('DELETE FROM bundles WHERE number <= ?');
    this.#timeMax = db.prepare('SELECT time_max FROM bundles WHERE number = ?').pluck();
    this.#isTile = db.prepare('SELECT 1 FROM tiles WHERE level = 1 AND number = ?').pluck();
    this.#deleteTiles = db.prepare('DELETE FROM tiles WHERE level = 0 AND number <= ?');
    this.#emptyTile = db.prepare('UPDATE tiles SET hashes = NULL WHERE level = 0 AND number = ?');
  }

  /** The first index that is served: a multiple of 256. */
  minimum(): number {
    return this.#minimum;
  }

  /** Bytes in use and of the whole file, without the write-ahead log. */
  room(): Room {
    return this.#room.get() as Room;
  }

  /** Whether the file holds more than it may and all below the present minimum index is deleted. Called once for each transaction. */
  isShort({ size, events, bytes }: Added): boolean {
    this.#oldest ??= size - events;
    this.#addedSince += roomPerByte * (bytes + events * overheadBytes);
    const usable = usableBytes(this.#limitBytes);
    // To look takes longer than to write an event, so it is not done while there is room in any case.
    if (this.#lastRoom.used + this.#addedSince <= usable) return false;
    this.#look();
    return this.#lastRoom.used > usable && this.#firstStored(size) >= this.#minimum;
  }

  #look(): void {
    this.#lastRoom = this.room();
    this.#addedSince = 0;
  }

  /** Moves the minimum index, so far that it makes room for twice the `bytes` that were added. Returns the new one, or undefined. */
  move({ size, signed, bytes }: { size: number; signed: number; bytes: number }): number | undefined {
    const minimum = this.minimum();
    const wanted = Math.max(this.#limitBytes * stepShare, 2 * bytes);
    const last = this.#lastMove({ size, signed });
    let next = minimum;
    for (let freed = 0; next < last && freed < wanted; next += tileWidth) {
      freed += this.#bytes(next, next + tileWidth);
    }
    if (next <= minimum) return undefined;
    return this.#moveTo(next);
  }

  /** Whether the oldest bundle may go for its age, and all below the present minimum index is deleted. */
  hasOld({ beforeMs, below }: Old, size: number): boolean {
    const minimum = this.minimum();
    if (minimum + tileWidth > below || this.#newestMs(minimum) >= beforeMs) return false;
    return this.#firstStored(size) >= minimum;
  }

  /** Moves the minimum index behind what is too old, under the same bounds as `move`. Returns the new one, or undefined. */
  moveOld({ size, signed }: { size: number; signed: number }, { beforeMs, below }: Old): number | undefined {
    const minimum = this.minimum();
    const last = Math.min(this.#lastMove({ size, signed }), below);
    let next = minimum;
    while (next + tileWidth <= last && this.#newestMs(next) < beforeMs) next += tileWidth;
    if (next <= minimum) return undefined;
    return this.#moveTo(next);
  }

  #moveTo(minimum: number): number {
    this.#setMinimum.run(minimum);
    this.#minimum = minimum;
    return minimum;
  }

  /** How far the minimum index may move at once: what no checkpoint covers stays, and so does the last bundle. */
  #lastMove({ size, signed }: { size: number; signed: number }): number {
    const covered = Math.floor(Math.min(signed, size - 1) / tileWidth) * tileWidth;
    return Math.min(covered, this.minimum() + moveBundlesMax * tileWidth);
  }

  /** Wall time of the latest event of a full bundle, by its first index; never for one that is not full. */
  #newestMs(first: number): number {
    if (this.#newest?.first === first) return this.#newest.ms;
    const ms = this.#timeMax.get(first / tileWidth) as number | undefined;
    if (ms === undefined) return Number.POSITIVE_INFINITY;
    this.#newest = { first, ms };
    return ms;
  }

  /** Deletes some of what is below the minimum index: at least twice the events and bytes that were added, as far as a step goes. */
  step(added: Added): void {
    const minimum = this.minimum();
    const first = this.#firstStored(added.size);
    const eventsWanted = Math.max(stepEventsMin, 2 * added.events);
    // Zeroed pages go through the write-ahead log too: large texts are deleted in fewer events at once.
    const bytesMax = transactionBytes(this.#limitBytes);
    let from = first;
    let bytes = 0;
    while (from < minimum) {
      const events = from - first;
      const enough = bytes >= 2 * added.bytes && (events >= eventsWanted || bytes >= bytesMax);
      if (enough || events >= Math.max(stepEventsMax, eventsWanted)) break;
      const end = Math.min(Math.floor(from / chunkEvents) * chunkEvents + chunkEvents, minimum);
      bytes += this.#delete(from, end);
      from = end;
    }
    const { used, file } = this.#lastRoom;
    const tooLarge = usableBytes(this.#limitBytes) + reserveBytes(this.#limitBytes) / 4;
    if (file > tooLarge && used < file) {
      this.#db.exec(vacuum);
      this.#look();
    }
  }

  #firstStored(size: number): number {
    return this.#oldest ?? size;
  }

  /** Deletes events `from` to `end` of one bundle, and its tile when they end it. Returns their bytes, about. */
  #delete(from: number, end: number): number {
    const last = end - 1;
    const bytes = this.#bytes(from, end);
    this.#deleteTexts.run(from, last);
    this.#deleteEvents.run(from, last);
    this.#oldest = end;
    this.#deleteCheckpoints.run(end);
    if (end % tileWidth === 0) {
      this.#deleteTile(end / tileWidth - 1);
      this.#deleteSummaries.run(end / tileWidth - 1);
    }
    return bytes;
  }

  /** What events `from` to `end` take, about. */
  #bytes(from: number, end: number): number {
    const leaves = this.#leafBytes.get(from, end - 1) as number;
    const texts = this.#textBytes.get(from, end - 1) as number;
    return leaves + texts + (end - from) * overheadBytes;
  }

  /** Of a tile of level 0 the root is needed until the tile above is full, which then holds it. */
  #deleteTile(number: number): void {
    if (this.#isTile.get(Math.floor(number / tileWidth)) === undefined) this.#emptyTile.run(number);
    else this.#deleteTiles.run(number);
  }
}
