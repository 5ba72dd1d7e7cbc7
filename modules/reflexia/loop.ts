import { type Clock, type SetTimer, systemClock, systemTimer } from '../../runtime/contracts/clock.js';

export interface LoopOptions {
  intervalMs: number;
  /** Wait before the first run. */
  firstMs: number;
  /** One run; it should end when the signal aborts. */
  task(signal: AbortSignal): Promise<void>;
  /** Told about a run that failed; the loop goes on. */
  onError(error: unknown): void;
  clock?: Clock;
  setTimer?: SetTimer;
}

/** Runs a task again and again, one run at a time, each an interval after the start of the one before, or at once when that took longer. */
export class Loop {
  readonly #options: LoopOptions;
  readonly #clock: Clock;
  readonly #setTimer: SetTimer;
  readonly #abort = new AbortController();
  #cancel = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#setTimer = options.setTimer ?? systemTimer;
  }

  start(): void {
    this.#schedule(this.#options.firstMs);
  }

  /** Ends the loop and waits for the run that is under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#cancel();
    await this.#running;
  }

  #schedule(waitMs: number): void {
    if (this.#abort.signal.aborted) return;
    this.#cancel = this.#setTimer(() => {
      this.#running = this.#run();
    }, waitMs);
  }

  async #run(): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    try {
      await this.#options.task(this.#abort.signal);
    } catch (error) {
      this.#options.onError(error);
    }
    this.#schedule(Math.max(0, this.#options.intervalMs - (this.#clock.monotonicMs() - startedMs)));
  }
}
