import type { Check, Fixup, Issue } from '../check.js';

/** The pool has its threads. It replaces one that dies by itself, but gives up when one dies while it starts. */
export class PoolThreads implements Check {
  readonly name = 'pool_threads';
  readonly about = 'The pool of the hot core has all its threads.';
  readonly #missing: () => number;
  readonly #restart: Fixup;

  constructor(missing: () => number, restart: Fixup) {
    this.#missing = missing;
    this.#restart = restart;
  }

  run(): Issue[] {
    const missing = this.#missing();
    if (missing === 0) return [];
    return [
      {
        target: 'pool',
        class: 'permanent',
        problem: `${missing} threads of the hot core's pool are gone and were not replaced. Is there memory left?`,
        fixups: { restart: this.#restart },
      },
    ];
  }
}
