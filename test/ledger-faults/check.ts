import { join } from 'node:path';
import { systemClock } from '../../runtime/contracts/clock.js';
import { Database } from '../../runtime/contracts/sqlite.js';
import { openLedger, type SqliteLedger } from '../../runtime/ledger/ledger.js';
import { parseVerifierKey } from '../../runtime/ledger/tlog/note-key.js';
import { verifyLog } from '../../runtime/ledger/tlog/verify-log.js';

export function openIn(folder: string, onFailure: (error: Error) => void): Promise<SqliteLedger> {
  return openLedger({
    file: join(folder, 'ledger.sqlite'),
    bootId: 'faults',
    clock: systemClock,
    queueMax: 1000,
    batchMax: 32,
    onFailure,
  });
}

/** What a ledger on a good disk says of a folder. */
export interface Found {
  size: number;
  /** Acknowledged events that are not there, or are others. */
  lost: number[];
  /** What `arkalia verify` would name. */
  faults: unknown[];
  vouched: number;
}

/** Opens the ledger as after a restart, and compares it with what callers were told: leaf hashes by index. */
export async function examine(folder: string, acknowledged: ReadonlyMap<number, string>): Promise<Found> {
  const ledger = await openIn(folder, (error) => {
    throw error;
  });
  const { verifierKey } = ledger.log;
  await ledger.close();
  const db = new Database(join(folder, 'ledger.sqlite'), { readonly: true });
  try {
    const hash = db.prepare('SELECT lower(hex(leaf_hash)) FROM events WHERE "index" = ?').pluck();
    const lost = [...acknowledged]
      .filter(([index, leaf]) => hash.get(index) !== leaf)
      .map(([index]) => index);
    const { size, faults, vouched } = verifyLog(db, parseVerifierKey(verifierKey));
    return { size, lost, faults, vouched };
  } finally {
    db.close();
  }
}
