import { openForReading } from '../../runtime/ledger/database.js';

/** What the file holds from an index on, read over a connection of its own. */
export function readBack(
  file: string,
  from: number,
): { size: number; minimum: number; hashes: Map<number, string> } {
  const db = openForReading(file);
  try {
    const rows = db
      .prepare('SELECT "index", leaf_hash AS hash FROM events WHERE "index" >= ? ORDER BY "index"')
      .all(from) as { index: number; hash: Buffer }[];
    const size = (db.prepare('SELECT max("index") FROM events').pluck().get() as number | null) ?? -1;
    const minimum = db.prepare('SELECT minimum FROM log').pluck().get() as number;
    return {
      size: size + 1,
      minimum,
      hashes: new Map(rows.map(({ index, hash }) => [index, hash.toString('hex')])),
    };
  } finally {
    db.close();
  }
}
