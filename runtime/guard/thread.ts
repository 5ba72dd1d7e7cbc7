import { Piscina } from 'piscina';
import type { Core } from '../../core-wasm/index.js';
import { AppError } from '../contracts/errors.js';
import type { GuardJudgement } from '../contracts/guard.js';
import type { JudgeModel, JudgeTask } from './judge.js';

/** Long texts that may wait for the thread; each is at most 2 MB. */
const WAITING_MAX = 32;
/** The thread ends after this time without work, and gives its 15 MB back. */
const IDLE_MS = 60_000;

/** What the thread starts with. */
export interface ThreadData {
  share: Core['share'];
  /** Index of the workspace that is the thread's. */
  workspace: number;
  model: JudgeModel;
}

/** One thread that judges long texts, so that a document never stops the requests of others. Started by the first text. */
export class GuardThread {
  readonly #data: ThreadData;
  #pool: Piscina<JudgeTask, GuardJudgement> | undefined;

  constructor(data: ThreadData) {
    this.#data = data;
  }

  /** Rejects with AppError `queue_full` when too many texts wait, and with the error of a thread that died. */
  async judge(task: JudgeTask): Promise<GuardJudgement> {
    this.#pool ??= new Piscina({
      filename: new URL('./thread-worker.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: IDLE_MS,
      maxQueue: WAITING_MAX,
      workerData: this.#data,
      recordTiming: false,
    });
    if (this.#pool.queueSize >= WAITING_MAX)
      throw new AppError('queue_full', 'Too many long texts wait to be judged.', { retryAfterMs: 1000 });
    return this.#pool.run(task);
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
  }
}
