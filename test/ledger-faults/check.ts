import { join } from 'node:path';
import { systemClock } from '../../runtime/contracts/clock.js';
import { Database } from '../../runtime/contracts/sqlite.js';
import { openLedger, type SqliteLedger } from '../../runtime/ledger/ledger.js';
import { rootAt } from '../../runtime/ledger/merkle/subtrees.js';
import { parseCheckpoint } from '../../runtime/ledger/tlog/checkpoint.js';
import { LogReader } from '../../runtime/ledger/tlog/log-reader.js';
import { openNote } from '../../runtime/ledger/tlog/note.js';
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
  /** Signed checkpoints that somebody saw and that this log does not continue. */
  contradicted: string[];
  /** Acknowledged events that are not there, or are others. */
  lost: number[];
  /** What `arkalia verify` would name. */
  faults: unknown[];
  vouched: number;
}

/** What callers were told: leaf hashes by index, and signed checkpoints. */
export interface Told {
  acknowledged: Map<number, string>;
  checkpoints: string[];
}

/** Opens the ledger as after a restart, and compares it with what callers were told. */
export async function examine(folder: string, { acknowledged, checkpoints }: Told): Promise<Found> {
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
    const verifier = parseVerifierKey(verifierKey);
    const { size, faults, vouched } = verifyLog(db, verifier);
    const { node } = new LogReader(db);
    const contradicted = checkpoints.filter((note) => {
      // Another log than the one that is there now.
      if (!note.startsWith(`${verifier.name}\n`)) return true;
      const checkpoint = parseCheckpoint(openNote(note, [verifier]).text);
      return checkpoint.size > size || !rootAt(node, checkpoint.size).equals(checkpoint.root);
    });
    return { size, contradicted, lost, faults, vouched };
  } finally {
    db.close();
  }
}

/** Only receipts. */
export function toldOf(acknowledged: Map<number, string>): Told {
  return { acknowledged, checkpoints: [] };
}
