import type { Fixup } from '../check.js';

/** Ends the process in good order, so that whoever supervises it starts another. The last resort. */
export class RestartProcess implements Fixup {
  readonly name = 'restart_process';
  readonly #restart: (reason: string) => void;
  readonly #reason: string;

  constructor(restart: (reason: string) => void, reason: string) {
    this.#restart = restart;
    this.#reason = reason;
  }

  async apply(): Promise<void> {
    this.#restart(this.#reason);
  }
}
