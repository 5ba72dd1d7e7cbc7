import type { Logger } from 'pino';

/** When the checks look: at an interval, and at once when somebody knows that something has failed. */
export class Looks {
  readonly #intervalMs: number;
  readonly #log: Pick<Logger, 'error'>;
  #look: (() => Promise<void>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAsked = false;
  #isLooking = false;

  constructor(intervalMs: number, log: Pick<Logger, 'error'>) {
    this.#intervalMs = intervalMs;
    this.#log = log;
  }

  /** From here on. What was asked for before is looked at now. */
  begin(look: () => Promise<void>): void {
    this.#look = look;
    this.#timer = setInterval(() => this.#onTime(), this.#intervalMs);
    this.#timer.unref();
    this.#run();
  }

  /** Looks after this turn of the event loop and after the look that is under way; asked several times before, once. */
  now(): void {
    this.#isAsked = true;
    setImmediate(() => this.#run());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#look = undefined;
  }

  #onTime(): void {
    this.#isAsked = true;
    this.#run();
  }

  #run(): void {
    const look = this.#look;
    if (!this.#isAsked || this.#isLooking || look === undefined) return;
    this.#isAsked = false;
    this.#isLooking = true;
    look()
      .catch((error: unknown) => this.#log.error({ err: error }, 'the checks could not run'))
      .finally(() => {
        this.#isLooking = false;
        this.#run();
      });
  }
}
