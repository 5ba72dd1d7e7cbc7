import { Database } from '../../contracts/sqlite.js';
import { type Row, readings } from './rows.js';

interface Leaf {
  data: Record<string, unknown>;
}

/**
 * Reports about verdicts that an administrator accepted, from a ledger file: a false alarm is a harmless row, a missed attack an attack.
 * What was erased or pruned is no row. The file is only read.
 */
export function feedbackRows(file: string): Row[] {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  try {
    const leaves = (type: string) =>
      (
        db.prepare('SELECT "index", leaf FROM events WHERE type = ? ORDER BY "index"').all(type) as {
          index: number;
          leaf: Buffer;
        }[]
      ).map(({ index, leaf }) => ({ index, ...(JSON.parse(leaf.toString('utf8')) as Leaf) }));
    // The last word about a report counts.
    const accepted = new Map(
      leaves('guard_row_judged').map(({ data }) => [Number(data.index), data.accepted === true]),
    );
    const textOf = db.prepare("SELECT text FROM texts WHERE event_index = ? AND name = 'prompt'");
    return leaves('guard_feedback').flatMap(({ index, data }) => {
      const found = textOf.get(index) as { text: Buffer } | undefined;
      if (accepted.get(index) !== true || found === undefined) return [];
      const text = found.text.toString('utf8');
      const label = data.kind === 'missed' ? 1 : 0;
      return [{ text, ...readings(text), label, lang: 'xx', group: 'feedback', kind: String(data.mode) }];
    });
  } finally {
    db.close();
  }
}
