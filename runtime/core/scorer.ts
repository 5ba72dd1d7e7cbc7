import type { Core } from '../../core-wasm/index.js';
import type { CoreIdentity, DecisionScorer, Score, ScoreInput } from '../contracts/decision.js';
import type { CorePool } from './pool.js';

export interface ScorerOptions {
  core: Core;
  pool: CorePool;
  offload: 'auto' | 'always' | 'never';
  /** Monotonic ms; used to measure the crossover. */
  now: () => number;
  /** Told when a batch had to be scored here because its thread failed. */
  onPoolFailure: (error: unknown) => void;
}

interface Waiting {
  input: ScoreInput;
  resolve: (score: Score) => void;
  reject: (error: unknown) => void;
}

const MEASURED_RECORDS = 256;
const MEASURED_POSTS = 20;

/**
 * Scores decisions in batches: what arrives in one turn of the event loop is written into the shared slab at its end (setImmediate
 * runs after the sockets that were ready have been read, so requests that came together share a batch). Below the crossover a batch
 * is scored in this thread, above it in the pool. The slab is a ring: a batch takes the next free records, and what does not fit
 * waits for the next turn in which a batch has ended.
 */
export class BatchScorer implements DecisionScorer {
  readonly identity: CoreIdentity;
  /** Records from which the pool is cheaper for this thread; null until measured, or when the mode needs none. */
  crossover: number | null = null;
  readonly #options: ScorerOptions;
  #waiting: Waiting[] = [];
  #scheduled = false;
  /** First free record of the ring, how many are not free, and the batches that hold them, oldest first. */
  #next = 0;
  #used = 0;
  readonly #out: { count: number; done: boolean }[] = [];
  #closing: (() => void) | undefined;

  constructor(options: ScorerOptions) {
    this.#options = options;
    this.identity = options.core.identity;
  }

  /** Measures what posting a task costs this thread against scoring here; some milliseconds, once. */
  async start(): Promise<void> {
    const { core, pool, offload, now } = this.#options;
    if (offload === 'never') return;
    for (let i = 0; i < MEASURED_RECORDS; i++)
      core.slab.write(i, { cpu: i % 100, ram: 50, severity: 'normal' });
    // The first round warms both ways up; the second counts.
    for (const counts of [false, true]) {
      const scoring = now();
      for (let i = 0; i < 16; i++) core.slab.score(0, MEASURED_RECORDS);
      const recordMs = (now() - scoring) / (16 * MEASURED_RECORDS);
      const posts: Promise<void>[] = [];
      const posting = now();
      for (let i = 0; i < MEASURED_POSTS; i++) posts.push(pool.run({ kind: 'score', from: 0, count: 1 }));
      const postMs = (now() - posting) / MEASURED_POSTS;
      await Promise.all(posts);
      if (counts) this.crossover = Math.max(1, Math.ceil(postMs / Math.max(recordMs, 1e-6)));
    }
  }

  score(input: ScoreInput): Promise<Score> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing is in the pool. */
  async close(): Promise<void> {
    if (this.#used === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#closing = resolve;
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { records } = this.#options.core.slab;
    while (this.#waiting.length > 0) {
      // A batch is one run of records: up to the end of the ring, or up to the oldest batch that is still out.
      const room = Math.min(records - this.#used, records - this.#next);
      if (room === 0) break;
      const batch = this.#waiting.length <= room ? this.#waiting : this.#waiting.slice(0, room);
      this.#waiting = batch === this.#waiting ? [] : this.#waiting.slice(room);
      this.#run(batch);
    }
    this.#settle();
  }

  #run(batch: Waiting[]): void {
    const { slab } = this.#options.core;
    const from = this.#next;
    const written: Waiting[] = [];
    for (const waiting of batch) {
      try {
        slab.write(from + written.length, waiting.input);
        written.push(waiting);
      } catch (error) {
        waiting.reject(error);
      }
    }
    if (written.length === 0) return;
    if (!this.#toPool(written.length)) {
      slab.score(from, written.length);
      this.#answer(written, from);
      return;
    }
    void this.#runInPool(written, from);
  }

  async #runInPool(written: Waiting[], from: number): Promise<void> {
    const { core, pool, onPoolFailure } = this.#options;
    const held = { count: written.length, done: false };
    this.#next = (from + held.count) % core.slab.records;
    this.#used += held.count;
    this.#out.push(held);
    try {
      await pool.run({ kind: 'score', from, count: written.length });
    } catch (error) {
      onPoolFailure(error);
      core.slab.score(from, written.length);
    }
    this.#answer(written, from);
    held.done = true;
    // Records come free in the order of the ring, whichever batch ends first.
    while (this.#out[0]?.done) this.#used -= this.#out.shift()!.count;
    if (this.#waiting.length > 0) this.#schedule();
    this.#settle();
  }

  #toPool(count: number): boolean {
    const { offload } = this.#options;
    if (offload === 'always') return true;
    return offload === 'auto' && this.crossover !== null && count >= this.crossover;
  }

  #answer(written: Waiting[], from: number): void {
    const { slab } = this.#options.core;
    for (let i = 0; i < written.length; i++) written[i]!.resolve(slab.read(from + i));
  }

  #settle(): void {
    if (this.#used === 0 && this.#waiting.length === 0) this.#closing?.();
  }
}
