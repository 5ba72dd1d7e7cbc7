import type { Database, Statement } from 'better-sqlite3';
import type { Clock } from '../../contracts/clock.js';
import type { SignedCheckpoint } from '../protocol.js';
import { formatCheckpoint } from './checkpoint.js';
import { signNote } from './note.js';
import type { NoteSigner } from './note-key.js';
import type { TileTree } from './tile-tree.js';

/** While events arrive there is a checkpoint at least this often, and none more often. */
const intervalMs = 1000;
/**
 * Fewer events than this since the last checkpoint are quiet: a device at rest. Nobody may be looking, and each checkpoint is another
 * page on an SD card, so it waits until somebody asks or the longer time is over.
 */
const quietEvents = 8;
const quietMs = 600_000;

export interface LogWriterOptions {
  db: Database;
  signer: NoteSigner;
  /** As large as the log; stores its own tiles. */
  tree: TileTree;
  /** The last one that was made. */
  checkpoint: SignedCheckpoint | undefined;
  clock: Clock;
}

/** The writer's side of the log: the tree of what is recorded, its tiles, and when a checkpoint of it is signed. */
export class LogWriter {
  readonly #signer: NoteSigner;
  readonly #tree: TileTree;
  readonly #clock: Clock;
  readonly #insert: Statement;
  #last: SignedCheckpoint | undefined;
  #lastMs: number;
  #wanted = false;

  constructor({ db, signer, tree, checkpoint, clock }: LogWriterOptions) {
    this.#signer = signer;
    this.#tree = tree;
    this.#clock = clock;
    this.#last = checkpoint;
    // When the last run made its checkpoint is not known on this run's clock: long ago, but quiet until something comes.
    this.#lastMs = clock.monotonicMs() - intervalMs;
    this.#insert = db.prepare('INSERT INTO checkpoints (size, time_ms, note) VALUES (?, ?, ?)');
  }

  get verifierKey(): string {
    return this.#signer.verifierKey;
  }

  get checkpoint(): SignedCheckpoint | undefined {
    return this.#last;
  }

  /** Takes in the leaf hashes of a batch, within its transaction. */
  append(hashes: Buffer): void {
    this.#tree.append(hashes);
  }

  /** Somebody needs a checkpoint that covers what is recorded. */
  want(): void {
    this.#wanted = this.#uncovered() > 0 || this.#last === undefined;
  }

  /** When a checkpoint is due, on the clock; undefined while nothing was added. */
  get dueMs(): number | undefined {
    const events = this.#uncovered();
    if (events === 0 && !this.#wanted) return undefined;
    return this.#lastMs + (this.#wanted || events >= quietEvents ? intervalMs : quietMs);
  }

  /** Milliseconds until then; 0 for now. */
  dueInMs(): number | undefined {
    const { dueMs } = this;
    return dueMs === undefined ? undefined : Math.max(0, dueMs - this.#clock.monotonicMs());
  }

  /** Whether the checkpoints cover all that is recorded. */
  isCovered(): boolean {
    return this.#uncovered() === 0;
  }

  /**
   * Signs the tree as it is and stores the note, within the transaction that runs. It may be shown when that is committed: what it covers
   * is durable then.
   */
  sign(): SignedCheckpoint {
    const { size } = this.#tree;
    const root = this.#tree.root();
    const note = signNote(formatCheckpoint({ origin: this.#signer.name, size, root }), [this.#signer]);
    this.#insert.run(size, Math.floor(this.#clock.wallMs()), note);
    this.#last = { size, note };
    this.#lastMs = this.#clock.monotonicMs();
    this.#wanted = false;
    return this.#last;
  }

  #uncovered(): number {
    return this.#tree.size - (this.#last?.size ?? 0);
  }
}
