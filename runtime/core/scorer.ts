import type { Core } from '../../core-wasm/index.js';
import type { CoreIdentity, DecisionScorer, Score, ScoreInput } from '../contracts/decision.js';
import { AppError } from '../contracts/errors.js';
import { measureCrossover } from './crossover.js';
import type { CorePool } from './pool.js';

/** Batches that can be out at once, and records in each: together the slab. */
const regions = 4;
const waitingMax = 4096;

export interface CoreScorerOptions {
  core: Core;
  /** Needed unless `offload` is `never`. Closed by the scorer. */
  pool?: Pick<CorePool, 'score' | 'close'>;
  offload: 'auto' | 'always' | 'never';
  /** Told when the pool failed at a batch, which was then scored in this thread. */
  onPoolFailure: (error: unknown) => void;
}

interface Waiting {
  input: ScoreInput;
  resolve: (score: Score) => void;
  reject: (error: unknown) => void;
}

/**
 * Collects the requests of one turn of the event loop into the slab and scores them as one batch.
 *
 * A batch ends in `setImmediate`, not in a microtask: Node runs microtasks after every socket callback, so each batch would
 * hold one request, while the check phase comes once after all sockets that were ready have been read.
 *
 *   slab  ├ region 0: filling ┼ region 1: in the pool ┼ region 2: free ┼ region 3: free ┤
 *
 * A region is filled again only when its batch has been read. With all regions in the pool, requests wait (at most 4096).
 */
export class CoreScorer implements DecisionScorer {
  readonly identity: CoreIdentity;
  /** Batches of at least so many records go to the pool: 1 for `always`, Infinity for `never`, measured for `auto`. */
  readonly crossoverRecords: number;
  readonly #core: Core;
  readonly #pool: CoreScorerOptions['pool'];
  readonly #always: boolean;
  readonly #onPoolFailure: (error: unknown) => void;
  readonly #regionRecords: number;
  readonly #resolves: (((score: Score) => void) | undefined)[];
  readonly #rejects: (((error: unknown) => void) | undefined)[];
  readonly #free: number[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  readonly #flushSoon = () => this.#endTurn();
  #waiting: Waiting[] = [];
  /** The region being filled; -1 while all are in the pool. */
  #region = 0;
  #count = 0;
  #scheduled = false;
  #closed = false;

  private constructor(options: CoreScorerOptions, crossoverRecords: number) {
    const { core, pool, offload, onPoolFailure } = options;
    this.identity = core.identity;
    this.crossoverRecords = crossoverRecords;
    this.#core = core;
    this.#pool = pool;
    this.#always = offload === 'always';
    this.#onPoolFailure = onPoolFailure;
    this.#regionRecords = core.slab.records / regions;
    this.#resolves = new Array(core.slab.records).fill(undefined);
    this.#rejects = new Array(core.slab.records).fill(undefined);
    for (let region = regions - 1; region > 0; region--) this.#free.push(region);
  }

  /** Measures the crossover for `auto`. Throws a RangeError when a pool is needed and none is given. */
  static async start(options: CoreScorerOptions): Promise<CoreScorer> {
    const { core, pool, offload } = options;
    if (offload === 'never') return new CoreScorer(options, Number.POSITIVE_INFINITY);
    if (pool === undefined) throw new RangeError(`core.offload = ${offload} needs a pool`);
    return new CoreScorer(options, offload === 'always' ? 1 : await measureCrossover(core, pool));
  }

  /** Rejects with a RangeError for a value out of bounds, `queue_full` when too many wait, `shutting_down` after close. */
  score(input: ScoreInput): Promise<Score> {
    return new Promise((resolve, reject) => this.#place(input, resolve, reject));
  }

  /** Finishes every score that was asked for, then ends the pool. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#flush();
    while (this.#inFlight.size > 0) {
      await Promise.all(this.#inFlight);
      this.#flush();
    }
    await this.#pool?.close();
  }

  #place(input: ScoreInput, resolve: Waiting['resolve'], reject: Waiting['reject']): void {
    if (this.#closed) {
      reject(new AppError('shutting_down', 'The hot core is closed'));
    } else if (this.#region >= 0) {
      this.#write(input, resolve, reject);
    } else if (this.#waiting.length < waitingMax) {
      this.#waiting.push({ input, resolve, reject });
    } else {
      const message = `All batches of the hot core are out and ${waitingMax} requests wait for one`;
      reject(new AppError('queue_full', message, { retryAfterMs: 1000 }));
    }
  }

  #write(input: ScoreInput, resolve: Waiting['resolve'], reject: Waiting['reject']): void {
    const index = this.#region * this.#regionRecords + this.#count;
    try {
      this.#core.slab.write(index, input);
    } catch (error) {
      reject(error);
      return;
    }
    this.#resolves[index] = resolve;
    this.#rejects[index] = reject;
    this.#count++;
    if (this.#count === this.#regionRecords) {
      this.#flush();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flushSoon);
    }
  }

  #endTurn(): void {
    this.#scheduled = false;
    this.#flush();
  }

  #flush(): void {
    if (this.#region < 0 || this.#count === 0) return;
    const from = this.#region * this.#regionRecords;
    const count = this.#count;
    this.#count = 0;
    const spare = this.#always || this.#free.length > 0;
    if (this.#pool === undefined || count < this.crossoverRecords || !spare) {
      this.#scoreHere(from, count);
      return;
    }
    const region = this.#region;
    this.#region = this.#free.pop() ?? -1;
    const batch = this.#scoreInPool(this.#pool, from, count).then(() => {
      this.#inFlight.delete(batch);
      this.#release(region);
    });
    this.#inFlight.add(batch);
  }

  async #scoreInPool(pool: Pick<CorePool, 'score'>, from: number, count: number): Promise<void> {
    try {
      await pool.score(from, count);
    } catch (error) {
      // The thread is gone and scoring leaves inputs as they are, so the batch can simply be scored again.
      this.#onPoolFailure(error);
      this.#scoreHere(from, count);
      return;
    }
    this.#settle(from, count);
  }

  #scoreHere(from: number, count: number): void {
    try {
      this.#core.slab.score(from, count);
    } catch (error) {
      for (let index = from; index < from + count; index++) {
        this.#rejects[index]?.(error);
        this.#forget(index);
      }
      return;
    }
    this.#settle(from, count);
  }

  #settle(from: number, count: number): void {
    const { slab } = this.#core;
    for (let index = from; index < from + count; index++) {
      this.#resolves[index]?.(slab.read(index));
      this.#forget(index);
    }
  }

  #forget(index: number): void {
    this.#resolves[index] = undefined;
    this.#rejects[index] = undefined;
  }

  #release(region: number): void {
    if (this.#region >= 0) {
      this.#free.push(region);
      return;
    }
    this.#region = region;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      // Filling the region may send it off: the rest waits for the next.
      if (this.#region < 0) this.#waiting.push(one);
      else this.#write(one.input, one.resolve, one.reject);
    }
  }
}
