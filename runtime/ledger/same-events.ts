import type { Database } from 'better-sqlite3';

/**
 * Which of the indexes name in another ledger the event that they name in this one. An index is a place in one log, so the leaf hashes
 * must agree; of an event that was pruned here, the other ledger must be a copy of this log.
 */
export function sameEvents(own: Database, other: Database, indexes: readonly number[]): number[] {
  const isCopy = verifierKey(own) === verifierKey(other);
  const [hash, otherHash] = [own, other].map((db) =>
    db.prepare('SELECT leaf_hash FROM events WHERE "index" = ?').pluck(),
  );
  return indexes.filter((index) => {
    const there = otherHash!.get(index) as Buffer | undefined;
    const here = hash!.get(index) as Buffer | undefined;
    return there !== undefined && (here === undefined ? isCopy : here.equals(there));
  });
}

/** Undefined of a file that was made before logs had a key. */
function verifierKey(db: Database): unknown {
  const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'log'").get();
  return isThere && db.prepare('SELECT verifier_key FROM log').pluck().get();
}
