import type { Database } from 'better-sqlite3';
import { leafHash } from '../leaf.js';
import { emptyRoot, hashBytes } from '../merkle/node-hash.js';
import { parseCheckpoint } from './checkpoint.js';
import { LogReader } from './log-reader.js';
import { Mismatch } from './mismatch.js';
import { openNote } from './note.js';
import { NoteError } from './note-error.js';
import type { NoteVerifier } from './note-key.js';
import { resumeTree, tileRoot } from './resume-tree.js';
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
  /** First entry that is served; what is below was pruned. */
  minimum: number;
  /** Entries walked, full tiles and checkpoints compared. */
  size: number;
  tiles: number;
  checkpoints: number;
  /** Size of the last checkpoint that holds; without one the minimum index. */
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
 * tree and a signature of the log's key. On a pruned log it walks from the minimum index; of what is below, the tiles of level 1 and
 * above are checked against each other, and with the first checkpoint against the signed root. Reads entries in bundles, so memory stays
 * flat, and all from one state of the file: entries that come and go during the walk change nothing.
 */
export function verifyLog(db: Database, verifier: NoteVerifier): LogReport {
  return db.transaction(() => new Walk(db, verifier).run())();
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
  readonly #minimum: number;
  #tiles = 0;
  #checkpoints = 0;
  /** Size of the last checkpoint that held. */
  #vouched = 0;

  constructor(db: Database, verifier: NoteVerifier) {
    this.#db = db;
    this.#reader = new LogReader(db);
    this.#verifier = verifier;
    this.#size = this.#reader.size();
    this.#minimum = this.#reader.minimum();
    this.#vouched = this.#minimum;
    this.#ahead = db
      .prepare('SELECT size FROM checkpoints WHERE size >= ? ORDER BY size DESC')
      .pluck()
      .all(this.#minimum) as number[];
  }

  run(): LogReport {
    // A checkpoint over more entries than there are: entries were taken from the end.
    while ((this.#ahead[0] ?? 0) > this.#size) this.#aheadOfLog(this.#ahead.shift()!);
    if (this.#resume()) this.#walk();
    return {
      origin: this.#verifier.name,
      minimum: this.#minimum,
      size: this.#size,
      tiles: this.#tiles,
      checkpoints: this.#checkpoints,
      vouched: this.#vouched,
      faults: this.#faults.sort((a, b) => a.index - b.index),
    };
  }

  /** The log itself says, in its newest event about it, from where on it is whole. */
  #checkMinimum(): void {
    if (this.#minimum === 0) return;
    const said = this.#db
      .prepare(
        `SELECT json_extract(CAST(leaf AS TEXT), '$.data.minimum_index') FROM events WHERE type = 'log_pruned' ORDER BY "index" DESC LIMIT 1`,
      )
      .pluck()
      .get();
    if (said !== this.#minimum) {
      this.#fault(
        this.#minimum,
        `the log begins there, but its newest log_pruned event says ${said ?? 'nothing'}`,
      );
    }
  }

  #walk(): void {
    this.#checkMinimum();
    this.#checkpointsAt(this.#minimum);
    const rows = this.#db.prepare(
      'SELECT "index", leaf, leaf_hash AS hash FROM events WHERE "index" BETWEEN ? AND ? ORDER BY "index"',
    );
    for (
      let first = this.#minimum;
      first < this.#size && this.#faults.length < faultsMax;
      first += tileWidth
    ) {
      const end = Math.min(first + tileWidth, this.#size);
      this.#bundle(first, end, rows.all(first, end - 1) as Row[]);
    }
  }

  /** Brings the tree to the minimum index, and checks the tiles that are wholly below it. Returns whether the walk can begin. */
  #resume(): boolean {
    const upper = this.#db.prepare('SELECT level, number FROM tiles WHERE level > 0 ORDER BY level, number');
    for (const { level, number } of upper.iterate() as Iterable<{ level: number; number: number }>) {
      if ((number + 1) * tileWidth ** (level + 1) <= this.#minimum) this.#compareUpper(level, number);
    }
    try {
      resumeTree(this.#reader, this.#tree, this.#minimum);
      return true;
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      this.#fault(this.#minimum, `${error.message}; what is left cannot be checked without it`);
      return false;
    }
  }

  /** A full tile below the minimum index: its hashes have its root, which stands in the tile above where that is full. */
  #compareUpper(level: number, number: number): void {
    this.#tiles++;
    try {
      tileRoot(this.#reader, level, number);
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      this.#fault(number * tileWidth ** (level + 1), error.message);
    }
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
