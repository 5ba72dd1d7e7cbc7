import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { Core } from '../../core-wasm/index.js';

/** What a pool thread starts from. */
export interface PoolData {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
}

export type PoolTask =
  | { kind: 'score'; from: number; count: number }
  /** Calls that were made on behalf of a pool thread, reported to a breaker at one moment. */
  | { kind: 'outcomes'; slot: number; nowMs: number; outcomes: ('success' | 'failure')[] };

/**
 * The threads for batches: fixed in number, kept warm, one instance of the hot core in each over the one shared memory. A task that
 * fails with its thread rejects; whoever posted it does the work itself.
 */
export class CorePool {
  readonly threads: number;
  readonly #piscina: Piscina<PoolTask, void>;

  constructor(core: Core, threads: number) {
    const workerData: PoolData = { memory: core.share.memory, module: core.share.module };
    this.threads = threads;
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL('./worker.js', import.meta.url)),
      minThreads: threads,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      // One batch is scored in microseconds; waiting for the next in the thread would burn a core of the device.
      atomics: 'disabled',
      workerData,
    });
  }

  run(task: PoolTask): Promise<void> {
    return this.#piscina.run(task);
  }

  /** Finishes what was posted, then ends the threads. */
  async close(): Promise<void> {
    await this.#piscina.close({ force: false });
  }
}
