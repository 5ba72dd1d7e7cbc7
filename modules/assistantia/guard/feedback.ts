import type { JsonObject } from '../../../runtime/contracts/json.js';

/** Texts that wait for an administrator; beyond them the oldest is no longer shown. */
const SHOWN_MAX = 256;

export interface FeedbackRow {
  /** Of its event in the ledger. */
  index: number;
  kind: 'false_alarm' | 'missed';
  text: string;
  data: JsonObject;
  accepted: boolean | null;
}

/** What people reported since the start, for an administrator to read. What is kept for good is in the ledger. */
export class FeedbackRows {
  readonly #rows = new Map<number, FeedbackRow>();

  add(row: FeedbackRow): void {
    this.#rows.set(row.index, row);
    const oldest = this.#rows.keys().next();
    if (this.#rows.size > SHOWN_MAX && oldest.done !== true) this.#rows.delete(oldest.value);
  }

  judge(index: number, accepted: boolean): void {
    const row = this.#rows.get(index);
    if (row !== undefined) row.accepted = accepted;
  }

  /** When texts were erased from the ledger: whose they are is not known here. */
  forget(): void {
    this.#rows.clear();
  }

  all(): FeedbackRow[] {
    return [...this.#rows.values()];
  }
}
