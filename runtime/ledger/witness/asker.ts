import type { Clock } from '../../contracts/clock.js';
import type { Ledger } from '../../contracts/ledger.js';
import type { WitnessStatus } from '../../contracts/witness.js';
import { parseCheckpoint } from '../tlog/checkpoint.js';
import { writeShownCheckpoint } from '../tlog/last-checkpoint.js';
import { openNote } from '../tlog/note.js';
import { type NoteVerifier, parseVerifierKey } from '../tlog/note-key.js';
import { tileWidth } from '../tlog/tile-tree.js';
import { AskError, askWitness } from './ask.js';
import { type AskedState, readAsked, writeAsked } from './asked-file.js';

/** How often it is looked whether something is due. Costs nothing while nothing is. */
const tickMs = 1000;

export interface AskedWitness {
  key: string;
  verifier: NoteVerifier;
  url: string;
}

export interface AskerOptions {
  folder: string;
  witnesses: readonly AskedWitness[];
  /** Time between two rounds, from the end of one to the beginning of the next. */
  intervalMs: number;
  ledger: Pick<Ledger, 'log' | 'status'>;
  clock: Clock;
  viaToken: string;
  /** Longest time that a witness may take to answer. */
  timeoutMs: number;
  onProblem(message: string): void;
}

interface Known {
  size: number;
  bundle: Buffer | undefined;
  cosigned: number;
  failed: number;
  problem: string | undefined;
}

/**
 * Collects cosignatures for the checkpoints of our own log: every so often the newest one is shown to each witness that has not cosigned it.
 * It makes no checkpoint and no event, holds nobody up, and whatever a witness does concerns that witness only.
 */
export class Asker {
  readonly #options: AskerOptions;
  readonly #known: Map<AskedWitness, Known>;
  readonly #closing = new AbortController();
  #logKey: string;
  #cosigned: AskedState['cosigned'];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #dueMs: number;

  private constructor(options: AskerOptions, stored: AskedState | undefined) {
    this.#options = options;
    this.#logKey = options.ledger.log.verifierKey;
    this.#dueMs = options.clock.monotonicMs();
    const own = stored?.log === this.#logKey ? stored : undefined;
    this.#cosigned = own?.cosigned;
    this.#known = new Map(
      options.witnesses.map((witness) => {
        const known = own?.witnesses.find(({ key }) => key === witness.key);
        const bundle = known?.bundle === undefined ? undefined : Buffer.from(known.bundle, 'base64');
        return [witness, { size: known?.size ?? 0, bundle, cosigned: 0, failed: 0, problem: undefined }];
      }),
    );
  }

  static async open(options: AskerOptions): Promise<Asker> {
    return new Asker(options, await readAsked(options.folder));
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), tickMs);
    this.#timer.unref();
  }

  /** Does what is due, unless something runs. Resolves when that has ended. */
  tick(): Promise<void> {
    this.#running ??= this.#work()
      .catch((error: unknown) =>
        this.#options.onProblem(error instanceof Error ? error.message : String(error)),
      )
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  /** Asks nothing more, and lets what runs end. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#running;
  }

  cosigned(): string | undefined {
    return this.#options.ledger.log.verifierKey === this.#logKey ? this.#cosigned?.note : undefined;
  }

  status(): WitnessStatus['asked'] {
    return [...this.#known].map(([{ verifier }, { size, cosigned, failed, problem }]) => ({
      name: verifier.name,
      size,
      cosigned,
      failed,
      ...(problem === undefined ? {} : { problem }),
    }));
  }

  async #work(): Promise<void> {
    const { clock, intervalMs, ledger } = this.#options;
    if (ledger.log.verifierKey !== this.#logKey) this.#beginEpoch(ledger.log.verifierKey);
    const kept = await this.#keepBundles();
    let changed = kept;
    if (clock.monotonicMs() >= this.#dueMs) {
      try {
        changed = (await this.#round()) || kept;
      } finally {
        this.#dueMs = clock.monotonicMs() + intervalMs;
      }
    }
    if (changed) await this.#write();
  }

  /** A damaged log was replaced while the server runs: its witnesses have seen nothing of the new one. */
  #beginEpoch(logKey: string): void {
    this.#logKey = logKey;
    this.#cosigned = undefined;
    for (const known of this.#known.values()) Object.assign(known, { size: 0, bundle: undefined });
  }

  /** Of the bundle in which a cosigned size lies, its hashes are kept as soon as it is full: the log may prune it before the next round. */
  async #keepBundles(): Promise<boolean> {
    const { log, status } = { log: this.#options.ledger.log, status: this.#options.ledger.status() };
    let changed = false;
    for (const known of this.#known.values()) {
      const number = Math.floor(known.size / tileWidth);
      const isFull = status.size >= (number + 1) * tileWidth;
      const isPruned = number * tileWidth < status.minimum_index;
      if (known.size % tileWidth === 0 || known.bundle !== undefined || !isFull || isPruned) continue;
      const bytes = await log.tile({ level: 0, number, width: tileWidth });
      if (bytes === null) continue;
      known.bundle = Buffer.from(bytes);
      changed = true;
    }
    return changed;
  }

  async #round(): Promise<boolean> {
    const note = this.#options.ledger.log.latest;
    if (note === undefined) return false;
    const own = parseVerifierKey(this.#logKey);
    const { size } = parseCheckpoint(openNote(note, [own]).text);
    const before = this.#cosigned?.size === size ? this.#cosigned.note : note;
    const missing = [...this.#known].filter(
      ([{ verifier }]) => openNote(before, [own, verifier]).lines.length < 2,
    );
    if (missing.length === 0) return false;
    // What a witness has seen must be known here when an older copy of the ledger is put back.
    await writeShownCheckpoint(this.#options.folder, { verifierKey: this.#logKey, note });
    const lines = await Promise.all(
      missing.map(([witness, known]) => this.#ask(witness, known, { note, size })),
    );
    const added = lines.flat();
    if (added.length === 0) return false;
    this.#cosigned = { size, note: before + added.map((line) => `${line}\n`).join('') };
    return true;
  }

  async #ask(
    { verifier, url }: AskedWitness,
    known: Known,
    asked: { note: string; size: number },
  ): Promise<string[]> {
    const { ledger, viaToken, timeoutMs } = this.#options;
    try {
      const options = {
        url,
        witness: verifier,
        log: ledger.log,
        viaToken,
        timeoutMs,
        closing: this.#closing.signal,
      };
      const lines = await askWitness(asked, known, options);
      Object.assign(known, { size: asked.size, bundle: undefined, problem: undefined });
      known.cosigned++;
      return lines.slice(0, 1);
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      if (this.#closing.signal.aborted) return [];
      if (known.problem !== error.message)
        this.#options.onProblem(`witness ${verifier.name}: ${error.message}`);
      known.problem = error.message;
      known.failed++;
      return [];
    }
  }

  async #write(): Promise<void> {
    const witnesses = [...this.#known].map(([{ key }, { size, bundle }]) => ({
      key,
      size,
      ...(bundle === undefined ? {} : { bundle: bundle.toString('base64') }),
    }));
    const cosigned = this.#cosigned;
    await writeAsked(this.#options.folder, {
      version: 1,
      log: this.#logKey,
      witnesses,
      ...(cosigned === undefined ? {} : { cosigned }),
    });
  }
}
