import type { Database } from 'better-sqlite3';
import { leafHash } from '../leaf.js';
import { emptyRoot, hashBytes } from '../merkle/node-hash.js';
import { parseCheckpoint } from './checkpoint.js';
import { LogReader } from './log-reader.js';
import { openNote } from './note.js';
import { NoteError } from './note-error.js';
import type { NoteVerifier } from './note-key.js';
import { type FullTile, TileTree, tileBytes, tileWidth } from './tile-tree.js';

/** Faults that are told one by one; the walk ends there. */
const faultsMax = 1000;

interface LogFault {
  /** First entry that is not vouched for because of it. */
  index: number;
  what: string;
}

export interface LogReport {
  origin: string;
  /** Entries walked, full tiles and checkpoints compared. */
  size: number;
  tiles: number;
  checkpoints: number;
  /** Size of the last checkpoint that holds; 0 without one. */
  vouched: number;
  /** By index; empty when everything holds. A checkpoint over an entry that is named already is not named again. */
  faults: LogFault[];
}

interface Row {
  index: number;
  leaf: Buffer;
  hash: Buffer;
}

/**
 * Walks the whole log: every entry has its leaf hash, every full tile the hashes of what is below it, every checkpoint the root of its
 * tree and a signature of the log's key. Reads entries in bundles, so memory stays flat; entries that come during the walk are not in it.
 */
export function verifyLog(db: Database, verifier: NoteVerifier): LogReport {
  return new Walk(db, verifier).run();
}

class Walk {
  readonly #db: Database;
  readonly #reader: LogReader;
  readonly #verifier: NoteVerifier;
  readonly #tree = new TileTree((tile) => this.#compareTile(tile));
  readonly #faults: LogFault[] = [];
  /** Sizes of checkpoints that are still ahead, the next one last. */
  readonly #ahead: number[];
  readonly #size: number;
  #tiles = 0;
  #checkpoints = 0;
  /** Size of the last checkpoint that held. */
  #vouched = 0;

  constructor(db: Database, verifier: NoteVerifier) {
    this.#db = db;
    this.#reader = new LogReader(db);
    this.#verifier = verifier;
    this.#size = this.#reader.size();
    this.#ahead = db.prepare('SELECT size FROM checkpoints ORDER BY size DESC').pluck().all() as number[];
  }

  run(): LogReport {
    // A checkpoint over more entries than there are: entries were taken from the end.
    while ((this.#ahead[0] ?? 0) > this.#size) this.#aheadOfLog(this.#ahead.shift()!);
    this.#checkpointsAt(0);
    const rows = this.#db.prepare(
      'SELECT "index", leaf, leaf_hash AS hash FROM events WHERE "index" BETWEEN ? AND ? ORDER BY "index"',
    );
    for (let first = 0; first < this.#size && this.#faults.length < faultsMax; first += tileWidth) {
      const end = Math.min(first + tileWidth, this.#size);
      this.#bundle(first, end, rows.all(first, end - 1) as Row[]);
    }
    return {
      origin: this.#verifier.name,
      size: this.#size,
      tiles: this.#tiles,
      checkpoints: this.#checkpoints,
      vouched: this.#vouched,
      faults: this.#faults.sort((a, b) => a.index - b.index),
    };
  }

  #bundle(first: number, end: number, rows: Row[]): void {
    const isFull = end - first === tileWidth;
    const tile = isFull ? this.#reader.stored(0, first / tileWidth)?.hashes : undefined;
    const byIndex = new Map(rows.map((row) => [row.index, row]));
    for (let index = first; index < end; index++) {
      const at = (index - first) * hashBytes;
      const inTile = tile?.subarray(at, at + hashBytes);
      this.#tree.append(this.#leaf(index, byIndex.get(index), inTile));
      this.#checkpointsAt(index + 1);
    }
  }

  /** Compares an entry, its leaf hash and its place in the tile; returns what at least two of them say. */
  #leaf(index: number, row: Row | undefined, inTile: Buffer | undefined): Buffer {
    if (row === undefined) {
      this.#fault(index, 'the entry is missing');
      return inTile ?? emptyRoot;
    }
    const made = Buffer.from(leafHash(row.leaf), 'hex');
    const leafHolds = made.equals(row.hash);
    const tileHolds = inTile === undefined || made.equals(inTile);
    if (leafHolds && tileHolds) return made;
    if (leafHolds) {
      this.#fault(index, `the tile 0/${Math.floor(index / tileWidth)} holds another hash than the entry has`);
      return made;
    }
    if (tileHolds && inTile !== undefined) {
      this.#fault(index, 'the recorded leaf hash is not that of the entry');
      return made;
    }
    this.#fault(index, 'the entry does not have the hash that was recorded with it');
    return row.hash;
  }

  #compareTile({ level, number, hashes, root }: FullTile): void {
    this.#tiles++;
    const name = `the tile ${level}/${number}`;
    const span = tileWidth ** level;
    const first = number * tileWidth * span;
    const stored = this.#reader.stored(level, number);
    if (stored === undefined) {
      this.#fault(first, `${name} is missing`);
      return;
    }
    const last = first + tileWidth * span;
    if (stored.hashes?.byteLength !== tileBytes) {
      this.#consequence(first, last, `${name} does not have ${tileWidth} hashes`);
    } else {
      // Hashes of level 0 were compared entry by entry.
      for (let slot = 0; level > 0 && slot < tileWidth; slot++) {
        const at = slot * hashBytes;
        if (stored.hashes.compare(hashes, at, at + hashBytes, at, at + hashBytes) === 0) continue;
        const begin = first + slot * span;
        this.#consequence(begin, begin + span, `${name} does not hold what is below it`);
      }
    }
    if (!stored.root.equals(root)) {
      this.#consequence(first, last, `${name} is recorded with a root that it does not have`);
    }
  }

  #checkpointsAt(size: number): void {
    if (this.#ahead.at(-1) !== size) return;
    this.#ahead.pop();
    this.#checkpoints++;
    const why = this.#checkpointFault(size);
    if (why === undefined) this.#vouched = size;
    else this.#consequence(this.#vouched, size, `the checkpoint of size ${size} ${why}`);
  }

  #checkpointFault(size: number): string | undefined {
    try {
      const { text } = openNote(this.#reader.note(size) ?? '', [this.#verifier]);
      const checkpoint = parseCheckpoint(text);
      if (checkpoint.origin !== this.#verifier.name) return `is of another log, ${checkpoint.origin}`;
      if (checkpoint.size !== size) return `says size ${checkpoint.size}`;
      return this.#tree.root().equals(checkpoint.root) ? undefined : 'has another root than the entries have';
    } catch (error) {
      if (error instanceof NoteError) return `does not hold: ${error.message}`;
      throw error;
    }
  }

  #aheadOfLog(size: number): void {
    this.#checkpoints++;
    this.#fault(this.#size, `the checkpoint of size ${size} has more entries than the log, ${this.#size}`);
  }

  /** A fault of what stands above entries `from` to `to`, unless one of them is named already and explains it. */
  #consequence(from: number, to: number, what: string): void {
    if (!this.#faults.some(({ index }) => index >= from && index < to)) this.#fault(from, what);
  }

  #fault(index: number, what: string): void {
    if (this.#faults.length < faultsMax) this.#faults.push({ index, what });
  }
}
