import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { LogReader, type TilePlace } from '../tlog/log-reader.js';
import { tileWidth } from '../tlog/tile-tree.js';

/**
 * Writes what proves exported events beside them: the tiles of the tree of one checkpoint, that checkpoint and the key that signed it.
 * ```
 *   events.jsonl │ events.csv
 *   tiles/<L>/<N>[.p/<W>]   C2SP tlog-tiles; of level 0 only those that hold an exported event, and the last
 *   verifier-key
 *   checkpoint              written last: without it the export is not complete
 * ```
 */
export class ExportProof {
  readonly #folder: string;
  readonly #log: LogReader;
  readonly #size: number;
  readonly #note: string;
  readonly #verifierKey: string;
  #lastTile = -1;

  /** @throws Error when the log has no checkpoint yet. */
  constructor(db: Database, folder: string) {
    this.#folder = folder;
    this.#log = new LogReader(db);
    const checkpoint = this.#log.lastCheckpoint();
    const key = db.prepare('SELECT verifier_key FROM log').pluck().get() as string | undefined;
    if (checkpoint === undefined || key === undefined) {
      throw new Error(
        'The log has no checkpoint yet, so nothing in it can be proven. Start the server once.',
      );
    }
    this.#size = checkpoint.size;
    this.#note = checkpoint.note;
    this.#verifierKey = key;
  }

  /** Number of events that the checkpoint covers: what lies behind cannot be proven with it. */
  get size(): number {
    return this.#size;
  }

  /** An event below `size` was exported; they come in order. */
  exported(index: number): void {
    const number = Math.floor(index / tileWidth);
    if (number === this.#lastTile || number >= Math.floor(this.#size / tileWidth)) return;
    this.#lastTile = number;
    this.#write({ level: 0, number, width: tileWidth });
  }

  /** Writes the tiles above, those of the right edge, the key and, last, the checkpoint. */
  finish(): void {
    let hashes = this.#size;
    for (let level = 0; hashes > 0; level++) {
      const full = Math.floor(hashes / tileWidth);
      for (let number = 0; level > 0 && number < full; number++) {
        this.#write({ level, number, width: tileWidth });
      }
      if (hashes % tileWidth > 0) this.#write({ level, number: full, width: hashes % tileWidth });
      hashes = full;
    }
    writeFileSync(join(this.#folder, 'verifier-key'), `${this.#verifierKey}\n`);
    writeFileSync(join(this.#folder, 'checkpoint'), this.#note);
  }

  #write(place: TilePlace): void {
    const hashes = this.#log.tile(place);
    const path = tilePath(place);
    if (hashes === undefined) {
      throw new Error(`The tile ${path} was pruned while it was exported. Export again.`);
    }
    const file = join(this.#folder, 'tiles', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, hashes);
  }
}

/** `<L>/<N>[.p/<W>]` of C2SP tlog-tiles: the number in groups of three digits, all but the last with an x in front. */
export function tilePath({ level, number, width }: TilePlace): string {
  const digits = `${number}`.padStart(Math.ceil(`${number}`.length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `${level}/${path}${width < tileWidth ? `.p/${width}` : ''}`;
}
