import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leafHash } from '../leaf.js';
import { hashBytes, perfectRoot } from '../merkle/node-hash.js';
import { rootAt } from '../merkle/subtrees.js';
import { parseCheckpoint } from '../tlog/checkpoint.js';
import { openNote } from '../tlog/note.js';
import type { NoteVerifier } from '../tlog/note-key.js';
import { tileHeight, tileWidth } from '../tlog/tile-tree.js';
import { linesOf } from './lines-of.js';
import { tilePath } from './proof.js';

/** An entry has 65,535 bytes at most; its index and what is around it some 40 more. */
const lineBytesMax = 66_000;

interface ExportFault {
  /** The first index that it concerns. */
  index: number;
  what: string;
}

export interface ExportReport {
  origin: string;
  /** Events that the checkpoint covers. */
  size: number;
  /** Events and tiles that are in the export. */
  events: number;
  tiles: number;
  /** In order of their index; one for each event and tile that does not hold. */
  faults: ExportFault[];
}

/** Beyond so many faults no more are looked for. */
const faultsMax = 1000;

/**
 * Checks an export by itself: the tiles lead to the signed root, and each event to its tile. That no event was left out, only its query
 * can say.
 * @throws NoteError for the checkpoint; what the file system throws for a file that is missing.
 */
export function verifyExport(folder: string, verifier: NoteVerifier): ExportReport {
  const note = readFileSync(join(folder, 'checkpoint'), 'utf8');
  const { origin, size, root } = parseCheckpoint(openNote(note, [verifier]).text);
  const tree = new ExportedTree(folder, size);
  const faults: ExportFault[] = [];
  if (origin !== verifier.name) faults.push({ index: 0, what: `the checkpoint is of ${origin}` });
  tree.check(root, faults);
  const events = faults.length > 0 ? 0 : checkEvents(join(folder, 'events.jsonl'), tree, faults);
  faults.sort((a, b) => a.index - b.index);
  return { origin, size, events, tiles: tree.tiles, faults };
}

function checkEvents(file: string, tree: ExportedTree, faults: ExportFault[]): number {
  let count = 0;
  let last = -1;
  for (const line of linesOf(file, lineBytesMax)) {
    const head = /^\{"index":(0|[1-9]\d{0,15}),"leaf":/.exec(line.toString('latin1', 0, 64));
    const index = Number(head?.[1]);
    if (head === null || line.at(-1) !== 0x7d || index <= last) {
      faults.push({ index: last + 1, what: `line ${count + 1} is no event behind the one before` });
      return count;
    }
    const hash = Buffer.from(leafHash(line.subarray(head[0].length, -1)), 'hex');
    if (tree.leaf(index)?.equals(hash) !== true) {
      faults.push({ index, what: 'the entry does not have the hash that the tree has for it' });
      if (faults.length >= faultsMax) return count;
    }
    last = index;
    count++;
  }
  return count;
}

/** The tiles of an export, as they are in its folder. */
class ExportedTree {
  tiles = 0;
  readonly #folder: string;
  readonly #size: number;
  #recent: { path: string; hashes: Buffer } | undefined;

  constructor(folder: string, size: number) {
    this.#folder = folder;
    this.#size = size;
  }

  /** The leaf hash of an event; undefined where its tile is not there. */
  leaf(index: number): Buffer | undefined {
    if (index >= this.#size) return undefined;
    return this.#hash(0, index);
  }

  /** From the root downwards: what is below a hash that does not hold is not looked at. */
  check(root: Uint8Array, faults: ExportFault[]): void {
    const node = (level: number, index: number) => {
      const width = 2 ** (level % tileHeight);
      const tileLevel = Math.floor(level / tileHeight);
      const tile = this.#tile(tileLevel, Math.floor((index * width) / tileWidth));
      if (tile === undefined) throw new RangeError(`a tile of level ${tileLevel} is missing`);
      return perfectRoot(tile, (index * width) % tileWidth, width);
    };
    try {
      if (!rootAt(node, this.#size).equals(root)) {
        faults.push({ index: 0, what: 'the tiles do not lead to the root that is signed' });
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      faults.push({ index: 0, what: error.message });
    }
    for (let level = this.#levels() - 1; level >= 0 && faults.length === 0; level--) {
      const full = Math.floor(this.#size / tileWidth ** (level + 1));
      for (let number = 0; number < full && faults.length < faultsMax; number++)
        this.#checkFull(level, number, faults);
    }
  }

  #checkFull(level: number, number: number, faults: ExportFault[]): void {
    const tile = this.#tile(level, number);
    // Of level 0 only those of exported events are there.
    if (tile === undefined && level === 0) return;
    this.tiles++;
    const above = this.#hash(level + 1, number);
    if (tile !== undefined && above?.equals(perfectRoot(tile, 0, tileWidth)) === true) return;
    faults.push({
      index: number * tileWidth ** (level + 1),
      what: `the tile ${tilePath({ level, number, width: tileWidth })} is missing, or is not what the tile above says`,
    });
  }

  #levels(): number {
    let levels = 0;
    while (tileWidth ** levels <= this.#size) levels++;
    return levels;
  }

  #hash(level: number, index: number): Buffer | undefined {
    const tile = this.#tile(level, Math.floor(index / tileWidth));
    const at = (index % tileWidth) * hashBytes;
    return tile?.subarray(at, at + hashBytes);
  }

  /** A tile with the width that it has in the tree of the checkpoint; undefined where it is not there, or has another length. */
  #tile(level: number, number: number): Buffer | undefined {
    const inLevel = Math.floor(this.#size / tileWidth ** level);
    const width = Math.min(tileWidth, inLevel - number * tileWidth);
    if (width < 1) return undefined;
    const path = join(this.#folder, 'tiles', tilePath({ level, number, width }));
    if (this.#recent?.path === path) return this.#recent.hashes;
    if (!existsSync(path)) return undefined;
    const hashes = readFileSync(path);
    if (hashes.byteLength !== width * hashBytes) return undefined;
    this.#recent = { path, hashes };
    return hashes;
  }
}
