import type { Core } from '../../core-wasm/index.js';
import type {
  CoreIdentity,
  DecisionScorer,
  OwnParameters,
  OwnScorer,
  ScoreInput,
  ScoreRecord,
  Thresholds,
} from '../contracts/decision.js';
import { AppError, CognitiveOverloadError } from '../contracts/errors.js';
import { checkScore } from './check-score.js';
import { measureCrossover } from './crossover.js';
import type { CorePool } from './pool.js';

/** Parts of the slab that are given to batches. */
const regions = 4;
const waitingMax = 4096;

export interface CoreScorerOptions {
  core: Core;
  /** Needed unless `offload` is `never`. Closed by the scorer. */
  pool?: Pick<CorePool, 'score' | 'close'>;
  offload: 'auto' | 'always' | 'never';
  /** Told when the pool failed at a batch, which was then scored in this thread. */
  onPoolFailure: (error: unknown) => void;
  /** Gives the crossover for `auto`; a test gives its own. */
  measure?: typeof measureCrossover;
}

/** Someone who waits for a score. */
interface Asker {
  read(record: ScoreRecord): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

interface Waiting {
  input: ScoreInput;
  asker: Asker;
}

/**
 * Collects the requests of one turn of the event loop into the slab and scores them as one batch.
 *
 * A batch ends in `setImmediate`, not in a microtask: Node runs microtasks after every socket callback, so each batch would
 * hold one request, while the check phase comes once after all sockets that were ready have been read.
 *
 *   slab  ├ region 0: filling ┼ region 1: in the pool ┼ region 2: free ┼ region 3: free ┤
 *
 * With `always` a batch ends when its region is full, so that several threads share a long turn. With `auto` it goes on into the
 * next region while another one stays free: only so can it reach a crossover beyond one region. It goes to the pool from the
 * crossover on; on most machines a turn never brings so many (here: some 4,000, as posting costs some 80 µs and a decision 17 ns),
 * and everything is scored in this thread, which is what `auto` is for.
 *
 * A region is filled again only when its batch has been read. With all regions in the pool, requests wait (at most 4096).
 */
export class CoreScorer implements DecisionScorer {
  readonly identity: CoreIdentity;
  readonly thresholds: Thresholds;
  /** Batches of at least so many records go to the pool: 1 for `always`, Infinity for `never`, measured for `auto`. */
  readonly crossoverRecords: number;
  /** Records in the longest batch. */
  readonly batchRecordsMax: number;
  readonly #core: Core;
  readonly #pool: CoreScorerOptions['pool'];
  readonly #always: boolean;
  readonly #onPoolFailure: (error: unknown) => void;
  readonly #regionRecords: number;
  readonly #askers: (Asker | undefined)[];
  /** By region: whether a batch that is filling or in the pool has it. */
  readonly #taken: boolean[] = new Array(regions).fill(false);
  readonly #inFlight = new Set<Promise<void>>();
  readonly #flushSoon = () => this.#endTurn();
  #waiting: Waiting[] = [];
  /** Where the batch that is filling begins, -1 while all regions are in the pool; how many regions it has, and records. */
  #first = -1;
  #regions = 0;
  #count = 0;
  #scheduled = false;
  #closed = false;

  private constructor(options: CoreScorerOptions, crossoverRecords: number) {
    const { core, pool, offload, onPoolFailure } = options;
    this.identity = core.identity;
    this.thresholds = core.thresholds;
    this.crossoverRecords = crossoverRecords;
    this.#core = core;
    this.#pool = pool;
    this.#always = offload === 'always';
    this.#onPoolFailure = onPoolFailure;
    this.#regionRecords = core.slab.records / regions;
    this.#askers = new Array(core.slab.records).fill(undefined);
    this.batchRecordsMax = this.#regionRecords * (offload === 'auto' ? regions - 1 : 1);
    this.#begin();
  }

  /** Measures the crossover for `auto`. Throws a RangeError when a pool is needed and none is given. */
  static async start(options: CoreScorerOptions): Promise<CoreScorer> {
    const { core, pool, offload, measure = measureCrossover } = options;
    if (offload === 'never') return new CoreScorer(options, Number.POSITIVE_INFINITY);
    if (pool === undefined) throw new RangeError(`core.offload = ${offload} needs a pool`);
    return new CoreScorer(options, offload === 'always' ? 1 : await measure(core, pool));
  }

  /**
   * Rejects with a RangeError for a value out of bounds, CognitiveOverloadError when too many wait, DecisionIntegrityError for a score that
   * does not agree with itself, `shutting_down` after close.
   */
  score<T>(input: ScoreInput, read: (record: ScoreRecord) => T): Promise<T> {
    return new Promise<T>((resolve, reject) =>
      this.#place(input, { read, resolve: resolve as Asker['resolve'], reject }),
    );
  }

  withOwn(parameters: OwnParameters): OwnScorer {
    const set = this.#core.ownParameters(parameters);
    return (input, read) => read(checkScore(this.#core.slab.scoreOwn(input, set)));
  }

  batchesOut(): number {
    return this.#inFlight.size;
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

  #place(input: ScoreInput, asker: Asker): void {
    if (this.#closed) {
      asker.reject(new AppError('shutting_down', 'The hot core is closed'));
    } else if (this.#first >= 0) {
      this.#write(input, asker);
    } else if (this.#waiting.length < waitingMax) {
      this.#waiting.push({ input, asker });
    } else {
      const message = `All batches of the hot core are out and ${waitingMax} requests wait for one`;
      asker.reject(new CognitiveOverloadError(message, { retryAfterMs: 1000 }));
    }
  }

  #write(input: ScoreInput, asker: Asker): void {
    const index = this.#first * this.#regionRecords + this.#count;
    try {
      this.#core.slab.write(index, input);
    } catch (error) {
      asker.reject(error);
      return;
    }
    this.#askers[index] = asker;
    this.#count++;
    if (this.#count === this.#regions * this.#regionRecords && !this.#extend()) {
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

  /** Takes the first free region for the next batch, when there is one. */
  #begin(): void {
    this.#first = this.#taken.indexOf(false);
    this.#regions = 1;
    if (this.#first >= 0) this.#taken[this.#first] = true;
  }

  /** Takes the region behind the full ones, unless it would be the last free one. */
  #extend(): boolean {
    const next = this.#first + this.#regions;
    if (this.#count >= this.batchRecordsMax || this.#taken[next] !== false || this.#free() < 2) return false;
    this.#taken[next] = true;
    this.#regions++;
    return true;
  }

  #free(): number {
    return this.#taken.reduce((free, taken) => (taken ? free : free + 1), 0);
  }

  #giveBack(first: number, count: number): void {
    this.#taken.fill(false, first, first + count);
  }

  #flush(): void {
    if (this.#first < 0 || this.#count === 0) return;
    const first = this.#first;
    const held = this.#regions;
    const from = first * this.#regionRecords;
    const count = this.#count;
    this.#count = 0;
    const spare = this.#always || this.#free() > 0;
    if (this.#pool === undefined || count < this.crossoverRecords || !spare) {
      this.#scoreHere(from, count);
      this.#giveBack(first, held);
      this.#begin();
      return;
    }
    this.#begin();
    const batch = this.#scoreInPool(this.#pool, from, count).then(() => {
      this.#inFlight.delete(batch);
      this.#release(first, held);
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
      for (let index = from; index < from + count; index++) this.#take(index).reject(error);
      return;
    }
    this.#settle(from, count);
  }

  #settle(from: number, count: number): void {
    const { slab } = this.#core;
    for (let index = from; index < from + count; index++) {
      const asker = this.#take(index);
      try {
        asker.resolve(asker.read(checkScore(slab.at(index))));
      } catch (error) {
        asker.reject(error);
      }
    }
  }

  #take(index: number): Asker {
    const asker = this.#askers[index];
    if (asker === undefined) throw new Error(`nobody waits for record ${index} of the slab`);
    this.#askers[index] = undefined;
    return asker;
  }

  #release(first: number, count: number): void {
    this.#giveBack(first, count);
    if (this.#count > 0) return;
    // A batch that has nothing yet begins at the first free region, where it has most room.
    if (this.#first >= 0) this.#giveBack(this.#first, this.#regions);
    this.#begin();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      // Filling the region may send it off: the rest waits for the next.
      if (this.#first < 0) this.#waiting.push(one);
      else this.#write(one.input, one.asker);
    }
  }
}
