import { PerformanceObserver } from 'node:perf_hooks';

/** Adds up the pauses of the garbage collector of this thread. */
export class GarbageMeter {
  readonly #observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#ms += duration;
  });
  #ms = 0;

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#observer.disconnect();
  }

  /** Milliseconds since the last call. */
  take(): number {
    const ms = this.#ms;
    this.#ms = 0;
    return ms;
  }
}
