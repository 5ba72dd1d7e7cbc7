import type { LedgerStatus } from '../../../runtime/contracts/ledger.js';
import type { Sensor } from './sensor.js';

/** How long a commit of the ledger takes with its synchronisation; undefined before the first. */
export function ledgerCommitSensor(
  status: () => Pick<LedgerStatus, 'commit_ms'>,
): Sensor<'ledger_commit_ms'> {
  return { name: 'ledger_commit_ms', read: async () => status().commit_ms };
}
