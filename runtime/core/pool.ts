import { Piscina } from 'piscina';
import type { Core } from '../../core-wasm/index.js';
import type { BatchResult, ReplayBatch } from '../replay/batch.js';
import type { Heart } from '../watchdog/beats.js';
import type { PoolResult, PoolTask } from './tasks.js';

export interface CorePoolOptions {
  /** Threads, 1 to 64: started at once, kept warm, replaced when they die. */
  threads: number;
  /** Told of a thread that died while it had nothing to do; a task that died with its thread rejects instead. */
  onError: (error: unknown) => void;
  /** Beats while tasks are out, and whenever one comes back; rests while none is. */
  heart?: Pick<Heart, 'beat' | 'rest'>;
  /** The script of the threads; another one in tests of a pool whose threads die. */
  script?: URL;
}

/** Threads, each with its own instance of the core over the same memory. */
export class CorePool {
  #pool: Piscina<PoolTask, PoolResult>;
  readonly #make: () => Piscina<PoolTask, PoolResult>;
  readonly #threads: number;
  readonly #heart: CorePoolOptions['heart'];
  #out = 0;

  constructor(core: Core, options: CorePoolOptions) {
    const { threads, onError, script = new URL('./worker.js', import.meta.url) } = options;
    if (!(Number.isInteger(threads) && threads >= 1 && threads <= 64)) {
      throw new RangeError(`core.threads must be an integer from 1 to 64, not ${threads}`);
    }
    this.#make = () => {
      const pool = new Piscina<PoolTask, PoolResult>({
        filename: script.href,
        minThreads: threads,
        maxThreads: threads,
        idleTimeout: Number.POSITIVE_INFINITY,
        // At most one task per region of the slab is ever out, beside the few of start and tests.
        maxQueue: 1024,
        workerData: core.share,
        recordTiming: false,
      });
      pool.on('error', onError);
      return pool;
    };
    this.#pool = this.#make();
    this.#threads = threads;
    this.#heart = options.heart;
  }

  /** Resolves when a thread has loaded the core and answers; rejects with the reason when it cannot. */
  async ready(): Promise<void> {
    await this.#run({ kind: 'ready' });
  }

  /** Threads that died and were not replaced: one died while it started, and then none is started any more. */
  missing(): number {
    return Math.max(0, this.#threads - this.#pool.threads.length);
  }

  /** Starts all threads anew; tasks that are out or wait reject. Rejects with the reason when no thread can load the core. */
  async restart(): Promise<void> {
    const old = this.#pool;
    this.#pool = this.#make();
    await old.destroy();
    await this.ready();
  }

  /** Scores a range of the slab in a thread. Rejects when the thread dies; the inputs are then untouched. */
  async score(from: number, count: number): Promise<void> {
    await this.#run({ kind: 'score', from, count });
  }

  /** Makes calls on a breaker from a thread; how many it let through. Times are those of the caller's clock. */
  async recordOutcomes(task: Omit<Extract<PoolTask, { kind: 'outcomes' }>, 'kind'>): Promise<number> {
    return (await this.#run({ kind: 'outcomes', ...task })) as number;
  }

  /** Replays recorded decisions in a thread. Rejects when the thread dies. */
  async replay(batch: ReplayBatch): Promise<BatchResult> {
    return (await this.#run({ kind: 'replay', batch })) as BatchResult;
  }

  /** Waits for what runs, then ends every thread. */
  async close(): Promise<void> {
    await this.#pool.close();
    await this.#pool.destroy();
  }

  async #run(task: PoolTask): Promise<PoolResult> {
    this.#out += 1;
    if (this.#out === 1) this.#heart?.beat();
    try {
      return await this.#pool.run(task);
    } finally {
      this.#out -= 1;
      if (this.#out === 0) this.#heart?.rest();
      else this.#heart?.beat();
    }
  }
}
