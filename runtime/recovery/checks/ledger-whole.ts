import type { Ledger } from '../../contracts/ledger.js';
import type { Check, Issue } from '../check.js';

/** No damaged ledger waits in the data folder for somebody to look at it. */
export class LedgerWhole implements Check {
  readonly name = 'ledger_whole';
  readonly about = 'No damaged ledger was moved aside.';
  readonly #ledger: Pick<Ledger, 'status'>;

  constructor(ledger: Pick<Ledger, 'status'>) {
    this.#ledger = ledger;
  }

  run(): Issue[] {
    return this.#ledger.status().set_aside.map((name) => ({
      target: name,
      class: 'integrity',
      problem: `The ledger was damaged; ${name} in the data folder is what was there. Examine it with "arkalia verify", then keep it elsewhere.`,
      fixups: {},
    }));
  }
}
