import { CompactRange } from '../merkle/compact-range.js';
import { hashBytes } from '../merkle/node-hash.js';

/** Levels of the Merkle tree in one tile, and the hashes in a full one (C2SP tlog-tiles). */
export const tileHeight = 8;
export const tileWidth = 2 ** tileHeight;
export const tileBytes = tileWidth * hashBytes;

/** A tile that is full and so will never change. The buffers are valid during the call that brings it only. */
export interface FullTile {
  /** 0: hashes of leaves; above: hashes of full tiles of the level below. */
  level: number;
  number: number;
  hashes: Buffer;
  /** Hash of the whole tile: what stands in the tile above. */
  root: Buffer;
}

/**
 * A growing tree that gives out its tiles as they fill. It keeps the right edge only: one partial tile a level.
 *
 *   level 1   [ root of 0 │ root of 1 │ …        ]  ─▶ full: given out, its root goes to level 2
 *   level 0   [ leaf 512 │ leaf 513 │ …          ]  ─▶ full: given out, its root goes to level 1
 */
export class TileTree {
  readonly #onTile: (tile: FullTile) => void;
  readonly #partial: Buffer[] = [];
  readonly #range = new CompactRange((level, hash, at) => {
    if (level % tileHeight === 0) this.#completed(level / tileHeight, hash, at);
  });

  constructor(onTile: (tile: FullTile) => void) {
    this.#onTile = onTile;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#range.size;
  }

  /** Appends leaf hashes, one after the other in `hashes`. */
  append(hashes: Buffer): void {
    for (let at = 0; at < hashes.byteLength; ) {
      // As many as the tile takes, since the last of them gives it out.
      const room = tileBytes - (this.#range.size % tileWidth) * hashBytes;
      const end = Math.min(at + room, hashes.byteLength);
      hashes.copy(this.#tile(0), tileBytes - room, at, end);
      for (; at < end; at += hashBytes) this.#range.append(hashes, at);
    }
  }

  /**
   * Rebuilds the right edge without its leaves: the hash of the next full tile of the level below. Called from the highest level down,
   * before any leaf.
   * @throws RangeError where such a tile does not fit.
   */
  resume(level: number, tileRoot: Buffer): void {
    const place = (this.#range.size / tileWidth ** level) % tileWidth;
    if (level < 1 || place === tileWidth - 1) {
      throw new RangeError(`tile level ${level} is not resumed at ${place}`);
    }
    tileRoot.copy(this.#tile(level), place * hashBytes);
    this.#range.append(tileRoot, 0, level * tileHeight);
  }

  /** Root of the tree as it is now. */
  root(): Buffer {
    return this.#range.root();
  }

  #completed(level: number, hash: Buffer, at: number): void {
    // The leaf that completed this node is not counted yet.
    const index = (this.#range.size + 1) / tileWidth ** level - 1;
    this.#onTile({
      level: level - 1,
      number: index,
      hashes: this.#tile(level - 1),
      root: hash.subarray(at, at + hashBytes),
    });
    hash.copy(this.#tile(level), (index % tileWidth) * hashBytes, at, at + hashBytes);
  }

  #tile(level: number): Buffer {
    while (this.#partial.length <= level) this.#partial.push(Buffer.alloc(tileBytes));
    return this.#partial[level]!;
  }
}
