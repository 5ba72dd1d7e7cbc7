import type { Ledger } from '../../contracts/ledger.js';
import type { RecoveryStrategy } from '../../contracts/recovery.js';
import type { Check, Fixup, Issue } from '../check.js';

/** The ledger takes events. One that the disk refuses for now mends itself; one whose writer has failed needs another writer. */
export class LedgerRecords implements Check {
  readonly name = 'ledger_records';
  readonly about = 'The ledger takes events.';
  readonly #ledger: Pick<Ledger, 'status'>;
  readonly #fixups: { unavailable: Partial<Record<RecoveryStrategy, Fixup>>; failed: Issue['fixups'] };

  constructor(
    ledger: Pick<Ledger, 'status'>,
    fixups: { unavailable: Issue['fixups']; failed: Issue['fixups'] },
  ) {
    this.#ledger = ledger;
    this.#fixups = fixups;
  }

  run(): Issue[] {
    const { state, problem = '', trouble } = this.#ledger.status();
    if (state === 'failed') {
      return [
        {
          target: 'ledger',
          class: 'permanent',
          problem:
            `The writer of the ledger has failed; nothing is recorded until there is another. ${problem}`.trim(),
          fixups: this.#fixups.failed,
        },
      ];
    }
    if (state !== 'unavailable') return [];
    return [
      {
        target: 'ledger',
        class: trouble === 'disk_full' ? 'overload' : 'transient',
        problem: `The disk refuses the ledger. ${problem}`.trim(),
        fixups: this.#fixups.unavailable,
      },
    ];
  }
}
