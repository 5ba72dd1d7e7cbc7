import type { Database, Statement } from 'better-sqlite3';
import { hashBytes, perfectRoot } from '../merkle/node-hash.js';
import type { NodeSource } from '../merkle/subtrees.js';
import type { SignedCheckpoint } from '../protocol.js';
import { NotStoredError } from './not-stored-error.js';
import { TileNodes } from './tile-nodes.js';
import { tileHeight, tileWidth } from './tile-tree.js';

/** Nodes of tiles that are not full yet, kept because the next proof is likely to need them; they never change. */
const nodesKept = 2048;
/** Full tiles of level 1 and up, kept with all their nodes: 16 KB each, and one for 65,536 events. */
const tilesKept = 192;

export interface TilePlace {
  level: number;
  number: number;
  /** Hashes from its beginning: 1 to 256. */
  width: number;
}

export interface StoredTile {
  root: Buffer;
  /** Null where the tile was pruned. */
  hashes: Buffer | null;
}

/** What the file holds of the log: entries, tiles and checkpoints. Reads only what was committed. */
export class LogReader {
  readonly #tile: Statement;
  readonly #roots: Statement;
  readonly #leafHashes: Statement;
  readonly #leaves: Statement;
  readonly #last: Statement;
  readonly #newest: Statement;
  readonly #note: Statement;
  readonly #minimum: Statement;
  readonly #nodes = new Map<string, Buffer>();
  /** The full tile of each level that was read last: a proof asks for several nodes of one. */
  readonly #recent: { number: number; tile: TileNodes }[] = [];
  /** By level and number, the one that was asked for longest ago first. */
  readonly #upper = new Map<string, TileNodes>();

  constructor(db: Database) {
    this.#tile = db.prepare('SELECT root, hashes FROM tiles WHERE level = ? AND number = ?');
    this.#roots = db
      .prepare('SELECT root FROM tiles WHERE level = ? AND number BETWEEN ? AND ? ORDER BY number')
      .pluck();
    this.#leafHashes = db
      .prepare('SELECT leaf_hash FROM events WHERE "index" BETWEEN ? AND ? ORDER BY "index"')
      .pluck();
    this.#leaves = db
      .prepare('SELECT leaf FROM events WHERE "index" BETWEEN ? AND ? ORDER BY "index"')
      .pluck();
    this.#last = db.prepare('SELECT max("index") FROM events').pluck();
    this.#newest = db.prepare('SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1');
    this.#note = db.prepare('SELECT note FROM checkpoints WHERE size = ?').pluck();
    this.#minimum = db.prepare('SELECT minimum FROM log').pluck();
  }

  /** Number of entries. */
  size(): number {
    return ((this.#last.get() as number | null) ?? -1) + 1;
  }

  /** First index that is served; what is below is on its way out. */
  minimum(): number {
    return (this.#minimum.get() as number | undefined) ?? 0;
  }

  /** The signed note of the checkpoint of that size, where one was made. */
  note(size: number): string | undefined {
    return this.#note.get(size) as string | undefined;
  }

  lastCheckpoint(): SignedCheckpoint | undefined {
    return this.#newest.get() as SignedCheckpoint | undefined;
  }

  /** A full tile as it is stored. */
  stored(level: number, number: number): StoredTile | undefined {
    return this.#tile.get(level, number) as StoredTile | undefined;
  }

  /** The first hashes of a tile; undefined where the log does not reach so far or was pruned. */
  tile({ level, number, width }: TilePlace): Buffer | undefined {
    if (level === 0 && number * tileWidth < this.minimum()) return undefined;
    return this.#run(level, number * tileWidth, width);
  }

  /** Entries in the form of C2SP tlog-tiles: each with its length in two bytes, big end first; undefined as above. */
  bundle({ number, width }: Omit<TilePlace, 'level'>): Buffer | undefined {
    const first = number * tileWidth;
    if (first < this.minimum()) return undefined;
    const leaves = this.#leaves.all(first, first + width - 1) as Buffer[];
    if (leaves.length !== width) return undefined;
    const parts: Buffer[] = [];
    for (const leaf of leaves) {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(leaf.byteLength);
      parts.push(length, leaf);
    }
    return Buffer.concat(parts);
  }

  /** Hash of a perfect subtree, for proofs. @throws NotStoredError. */
  readonly node: NodeSource = (level, index) => {
    const key = `${level}:${index}`;
    let node = this.#nodes.get(key);
    if (node !== undefined) return node;
    const tileLevel = Math.floor(level / tileHeight);
    const height = level % tileHeight;
    const width = 2 ** height;
    const first = index * width;
    const tile = this.#nodesOf(tileLevel, Math.floor(first / tileWidth));
    if (tile !== undefined) return tile.at(height, (first % tileWidth) / width);
    const run = this.#edge(tileLevel, first, width);
    if (run === undefined) throw new NotStoredError(level, index);
    node = Buffer.from(perfectRoot(run, 0, width));
    if (this.#nodes.size >= nodesKept) this.#nodes.clear();
    this.#nodes.set(key, node);
    return node;
  };

  /** Hashes of one tile level from `first` on, all within one tile. Undefined where not all of them are stored. */
  #run(level: number, first: number, count: number): Buffer | undefined {
    const begin = (first % tileWidth) * hashBytes;
    const hashes = this.stored(level, Math.floor(first / tileWidth))?.hashes;
    if (hashes !== undefined && hashes !== null) return hashes.subarray(begin, begin + count * hashBytes);
    return this.#edge(level, first, count);
  }

  /** The same of a tile that is not full: from the leaves, or from the full tiles below. */
  #edge(level: number, first: number, count: number): Buffer | undefined {
    if (level === 0) return this.leafHashes(first, count);
    return joined(this.#roots.all(level - 1, first, first + count - 1), count);
  }

  #nodesOf(level: number, number: number): TileNodes | undefined {
    const recent = this.#recent[level];
    if (recent?.number === number) return recent.tile;
    const key = `${level}/${number}`;
    let tile = this.#upper.get(key);
    if (tile === undefined) {
      const hashes = this.stored(level, number)?.hashes ?? null;
      if (hashes === null) return undefined;
      tile = new TileNodes(hashes);
    }
    this.#recent[level] = { number, tile };
    if (level === 0) return tile;
    this.#upper.delete(key);
    this.#upper.set(key, tile);
    const [oldest] = this.#upper.keys();
    if (this.#upper.size > tilesKept) this.#upper.delete(oldest!);
    return tile;
  }

  /** As they were recorded with the entries; undefined where not all of them are there. */
  leafHashes(first: number, count: number): Buffer | undefined {
    return joined(this.#leafHashes.all(first, first + count - 1), count);
  }
}

function joined(hashes: unknown[], count: number): Buffer | undefined {
  return hashes.length === count ? Buffer.concat(hashes as Buffer[]) : undefined;
}
