import { emptyRoot, hashBytes, leftAt, newPair, nodeHash, rightAt, writeNodeHash } from './node-hash.js';

/** A tree has at most 2 to this many leaves, so that every index is an exact number. */
const levelMax = 52;

/**
 * Called for each node as it is complete: its level above the leaves and where its hash stands. The bytes are valid during the call
 * only.
 */
export type NodeVisitor = (level: number, hash: Buffer, at: number) => void;

/**
 * The right edge of a growing tree: what is needed to append and to name the root, one hash for each set bit of the size.
 *
 *   size 6 = 110b     pairs[2].left ─ root of leaves 0 to 3
 *                     pairs[1].left ─ root of leaves 4 and 5
 *
 * A node waits in `pairs[level]` at the left until its sibling comes to the right; then the pair is hashed in place.
 */
export class CompactRange {
  #size = 0;
  readonly #pairs: Buffer[] = [newPair()];
  readonly #onNode: NodeVisitor;

  constructor(onNode: NodeVisitor = () => {}) {
    this.#onNode = onNode;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends the hash that stands in `source` at `at`: a leaf's, or with `level` that of a perfect subtree of 2^level leaves, where the
   * size is a multiple of that.
   */
  append(source: Buffer, at: number, startLevel = 0): void {
    let level = startLevel;
    let index = this.#size / 2 ** level;
    if (!Number.isInteger(index) || level > levelMax) {
      throw new RangeError(`a tree of ${this.#size} leaves takes no subtree of level ${level}`);
    }
    source.copy(this.#pair(level), index % 2 === 1 ? rightAt : leftAt, at, at + hashBytes);
    while (index % 2 === 1) {
      const full = this.#pair(level);
      level++;
      index = (index - 1) / 2;
      const parent = this.#pair(level);
      const place = index % 2 === 1 ? rightAt : leftAt;
      writeNodeHash(full, parent, place);
      this.#onNode(level, parent, place);
    }
    this.#size += 2 ** startLevel;
    if (this.#size > 2 ** levelMax) throw new RangeError(`a tree has at most 2^${levelMax} leaves`);
  }

  /** Root of the tree as it is now. */
  root(): Buffer {
    let root: Buffer | undefined;
    for (let level = 0, rest = this.#size; rest > 0; level++, rest = Math.floor(rest / 2)) {
      if (rest % 2 === 0) continue;
      const node = this.#pair(level).subarray(leftAt, leftAt + hashBytes);
      root = root === undefined ? Buffer.from(node) : nodeHash(node, root);
    }
    return root ?? emptyRoot;
  }

  #pair(level: number): Buffer {
    while (this.#pairs.length <= level) this.#pairs.push(newPair());
    return this.#pairs[level]!;
  }
}
