import type { Fixup } from '../check.js';

/** Stops a module and starts it again. */
export class RestartModule implements Fixup {
  readonly name = 'restart_module';
  readonly #restart: (name: string) => Promise<void>;
  readonly #module: string;

  constructor(restart: (name: string) => Promise<void>, module: string) {
    this.#restart = restart;
    this.#module = module;
  }

  apply(): Promise<void> {
    return this.#restart(this.#module);
  }
}
