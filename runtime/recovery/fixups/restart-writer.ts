import type { Fixup } from '../check.js';

/** Gives the ledger another writer thread; where that does not help and the process may be restarted, that. */
export class RestartWriter implements Fixup {
  readonly name = 'restart_writer';
  readonly #restart: () => Promise<void>;
  readonly #lastResort: Fixup | undefined;

  constructor(restart: () => Promise<void>, lastResort?: Fixup) {
    this.#restart = restart;
    this.#lastResort = lastResort;
  }

  async apply(): Promise<void> {
    try {
      await this.#restart();
    } catch (error) {
      if (this.#lastResort === undefined) throw error;
      await this.#lastResort.apply();
    }
  }
}
