export interface LoopOptions {
  intervalMs: number;
  /** Wait before the first run. */
  firstMs: number;
  /** One run; it should end when the signal aborts. */
  task(signal: AbortSignal): Promise<void>;
  /** Told about a run that failed; the loop goes on. */
  onError(error: unknown): void;
}

/** Runs a task again and again, one run at a time, each an interval after the start of the one before, or at once when that took longer. */
export class Loop {
  readonly #options: LoopOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(this.#options.firstMs);
  }

  /** Ends the loop and waits for the run that is under way. */
  async stop(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(waitMs: number): void {
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#run();
    }, waitMs);
  }

  async #run(): Promise<void> {
    const startedMs = performance.now();
    try {
      await this.#options.task(this.#abort.signal);
    } catch (error) {
      this.#options.onError(error);
    }
    this.#schedule(Math.max(0, this.#options.intervalMs - (performance.now() - startedMs)));
  }
}
