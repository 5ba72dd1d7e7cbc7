import type { Clock } from '../../contracts/clock.js';
import { AppError } from '../../contracts/errors.js';
import type { ConsistencyProof, InclusionProof, TransparencyLog } from '../../contracts/ledger.js';
import type { LogProof, LogRequest, SignedCheckpoint } from '../protocol.js';
import type { QueryClient } from '../query.js';
import { tileWidth } from './tile-tree.js';

/** A checkpoint that is younger is good enough for whoever asks for the newest. */
const freshMs = 1000;
/** Callers that may wait for a checkpoint. */
const waitingMax = 100_000;
/** Proofs asked of the reader at once; a checkpoint may let very many callers go on together. */
const proofsMax = 32;
/** Tiles of a level are numbered below this; × 256 it is still an exact number. */
const numberMax = 2 ** 44;

export interface LogClientOptions {
  verifierKey: string;
  previous: string | undefined;
  /** The last one of the run before. */
  checkpoint: SignedCheckpoint | undefined;
  reader: QueryClient;
  clock: Clock;
  /** Number of recorded events. */
  size(): number;
  /** First index that is served. */
  minimum(): number;
  /** Asks the writer for a checkpoint over what is recorded. @throws AppError when it does not write. */
  sign(): void;
}

interface Waiting {
  size: number;
  resolve(note: string): void;
  reject(error: AppError): void;
}

/** The calling thread's side of the log: knows the newest checkpoint, and asks the reader for tiles and proofs. */
export class LogClient implements TransparencyLog {
  #verifierKey: string;
  #previous: string | undefined;
  readonly #options: LogClientOptions;
  #last: SignedCheckpoint | undefined;
  /** When it came; undefined for one of another run. */
  #lastMs: number | undefined;
  #waiting: Waiting[] = [];
  #proofs = 0;
  #proofTurns: (() => void)[] = [];

  constructor(options: LogClientOptions) {
    this.#options = options;
    this.#verifierKey = options.verifierKey;
    this.#previous = options.previous;
    this.#last = options.checkpoint;
  }

  get verifierKey(): string {
    return this.#verifierKey;
  }

  get previous(): string | undefined {
    return this.#previous;
  }

  async checkpoint(): Promise<string> {
    const { clock, size } = this.#options;
    const isFresh = this.#lastMs !== undefined && clock.monotonicMs() - this.#lastMs < freshMs;
    return isFresh && this.#last !== undefined ? this.#last.note : this.covering(size());
  }

  covering(size: number): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#last !== undefined && this.#last.size >= size) {
        resolve(this.#last.note);
        return;
      }
      if (size > this.#options.size()) {
        throw new RangeError(`the log has ${this.#options.size()} events, not ${size}`);
      }
      if (this.#waiting.length >= waitingMax) {
        throw new AppError('ledger_unavailable', `More than ${waitingMax} wait for a checkpoint`, {
          retryAfterMs: freshMs,
        });
      }
      // One request is enough for all who wait for what was recorded by then.
      if (!this.#waiting.some((waiting) => waiting.size >= size)) this.#options.sign();
      this.#waiting.push({ size, resolve, reject });
    });
  }

  /** The writer signed a checkpoint, and it is durable. */
  signed(checkpoint: SignedCheckpoint): void {
    this.#last = checkpoint;
    this.#lastMs = this.#options.clock.monotonicMs();
    if (this.#waiting.length === 0) return;
    const served = this.#waiting.filter(({ size }) => size <= checkpoint.size);
    this.#waiting = this.#waiting.filter(({ size }) => size > checkpoint.size);
    for (const { resolve } of served) resolve(checkpoint.note);
  }

  /** The writer opened the same log again after a failure, which may have hidden that a checkpoint is durable. */
  resumed(checkpoint: SignedCheckpoint | undefined): void {
    if (checkpoint !== undefined && checkpoint.size > (this.#last?.size ?? 0)) this.signed(checkpoint);
  }

  /** A new log took the place of a damaged one: nothing of the old one can be proven by it. */
  replaced({
    verifierKey,
    previous,
    checkpoint,
  }: Pick<LogClientOptions, 'verifierKey' | 'previous' | 'checkpoint'>): void {
    this.#verifierKey = verifierKey;
    this.#previous = previous;
    this.#last = checkpoint;
    this.#lastMs = undefined;
    this.refuse(new AppError('ledger_unavailable', 'The ledger was damaged; a new one took its place'));
  }

  /** No checkpoint will come, or nobody knows when: who waits for one is told so. */
  refuse(error: AppError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  async tile(place: {
    level: number;
    number: number;
    width: number;
  }): Promise<Uint8Array<ArrayBuffer> | null> {
    checkInteger(place.level, 'level', 0, 63);
    checkPlace(place);
    if (place.level === 0) this.#refusePruned(place.number * tileWidth);
    return this.#bytes({ kind: 'tile', ...place });
  }

  async entries(place: { number: number; width: number }): Promise<Uint8Array<ArrayBuffer> | null> {
    checkPlace(place);
    this.#refusePruned(place.number * tileWidth);
    return this.#bytes({ kind: 'entries', ...place });
  }

  async inclusion({ index, size }: { index: number; size?: number | undefined }): Promise<InclusionProof> {
    checkInteger(index, 'index', 0, this.#options.size() - 1);
    this.#refusePruned(index);
    const { last, at } =
      size === undefined ? await this.#coveringPlace(index) : { last: undefined, at: size };
    checkInteger(at, 'size', index + 1, this.#options.size());
    const { leafHash, root, hashes, note } = await this.#proof({ kind: 'inclusion', index, size: at });
    const proof = { index, size: at, leaf_hash: leafHash!, root_hash: root, hashes };
    return withNote(proof, last ?? note);
  }

  async consistency({ from, to }: { from: number; to: number }): Promise<ConsistencyProof> {
    checkInteger(to, 'to', 1, this.#options.size());
    checkInteger(from, 'from', 1, to);
    // At the edge of a bundle the upper levels suffice.
    for (const size of [from, to]) if (size % tileWidth !== 0) this.#refusePruned(size);
    const { rootFrom, root, hashes, note } = await this.#proof({ kind: 'consistency', from, to });
    return withNote({ from, to, root_from: rootFrom!, root_to: root, hashes }, note);
  }

  async #coveringPlace(index: number): Promise<{ last: string; at: number }> {
    await this.covering(index + 1);
    const { note, size } = this.#last!;
    return { last: note, at: size };
  }

  async #bytes(request: LogRequest): Promise<Uint8Array<ArrayBuffer> | null> {
    const answer = await this.#options.reader.log(request);
    return 'bytes' in answer ? answer.bytes : null;
  }

  async #proof(request: LogRequest): Promise<LogProof> {
    await this.#proofTurn();
    try {
      const answer = await this.#options.reader.log(request);
      if ('proof' in answer && answer.proof !== null) return answer.proof;
    } finally {
      const next = this.#proofTurns.shift();
      if (next === undefined) this.#proofs--;
      else next();
    }
    throw pruned('What that proof needs was pruned from the log', this.#options.minimum());
  }

  /** Resolves when one of the proofs that run may be this one; whoever ends passes the turn on. */
  #proofTurn(): Promise<void> | undefined {
    if (this.#proofs < proofsMax) {
      this.#proofs++;
      return undefined;
    }
    if (this.#proofTurns.length >= waitingMax) {
      throw new AppError('ledger_unavailable', `More than ${waitingMax} wait for a proof`, {
        retryAfterMs: freshMs,
      });
    }
    return new Promise((resolve) => this.#proofTurns.push(resolve));
  }

  #refusePruned(index: number): void {
    const minimum = this.#options.minimum();
    if (index < minimum) throw pruned(`Event ${index} was pruned from the log`, minimum);
  }
}

function pruned(what: string, minimum: number): AppError {
  return new AppError('pruned', `${what}, whose first event is now ${minimum}.`, {
    details: { minimum_index: minimum },
  });
}

function withNote<P extends object>(proof: P, checkpoint: string | undefined): P & { checkpoint?: string } {
  return checkpoint === undefined ? proof : { ...proof, checkpoint };
}

function checkPlace({ number, width }: { number: number; width: number }): void {
  checkInteger(number, 'number', 0, numberMax);
  checkInteger(width, 'width', 1, tileWidth);
}

function checkInteger(value: number, name: string, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} is an integer from ${min} to ${max}, not ${value}`);
  }
}
