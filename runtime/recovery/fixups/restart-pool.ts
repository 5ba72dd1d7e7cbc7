import type { Fixup } from '../check.js';

/** Ends the pool of the hot core and starts another; what waited for it is scored in the HTTP thread. */
export class RestartPool implements Fixup {
  readonly name = 'restart_pool';
  readonly #restart: () => Promise<void>;

  constructor(restart: () => Promise<void>) {
    this.#restart = restart;
  }

  apply(): Promise<void> {
    return this.#restart();
  }
}
