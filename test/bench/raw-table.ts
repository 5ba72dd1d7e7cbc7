import { join } from 'node:path';
import { openForWriting } from '../../runtime/ledger/database.js';

/** What a decision of /zeroia/decisions says in the ledger. */
export const decisionText = `{"absent":["context_relevance","error_rate","response_time"],"confidence":0.5312500000000001,"core_sha256":"${'ab'.repeat(32)}","decision":"monitor","factors":{"consistency":[0.5,0.3333333333333333],"resource_efficiency":[0.225,0.3333333333333333],"system_health":[0.5,0.3333333333333333]},"id":"d-0123456789-1a2b","input":{"cpu":85,"ram":70,"severity":"high"},"parameters":[0.25,0.2,0.15,0.15,0.15,0.1,0,0.2,0.3,0.5,0.75,1,80,60,85,70,75,65,0.1,10000],"pressure":0.775,"reasons":["cpu_above_80"],"weights_version":"0123456789abcdef"}`;

/** The ledger's table of events in better-sqlite3 alone, with the ledger's settings; with an index over type and one over stream, or bare. */
export class RawTable {
  readonly #add: (rows: number) => void;
  readonly #close: () => void;

  constructor(folder: string, how: { indexed: boolean }) {
    const { db } = openForWriting(join(folder, 'ledger.sqlite'), 500_000_000);
    if (how.indexed) {
      for (const column of ['type', 'stream']) db.exec(`CREATE INDEX by_${column} ON events (${column})`);
    }
    const insert = db.prepare(
      'INSERT INTO events ("index", type, module, stream, correlation_id, time_ms, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    const leaf = Buffer.from(
      `{"boot_id":"bench","data":${decisionText},"module":"zeroia","monotonic_ms":123456,"stream":"caller-1","time_ms":1760000000000,"type":"decision_made","v":1}`,
    );
    const hash = Buffer.alloc(32, 7);
    let index = 0;
    const add = db.transaction((rows: number) => {
      for (let n = 0; n < rows; n++) {
        insert.run(index++, 'decision_made', 'zeroia', `caller-${n}`, null, 1_760_000_000_000, leaf, hash);
      }
    });
    this.#add = (rows) => add.immediate(rows);
    this.#close = () => db.close();
  }

  /** Commits so many rows in one transaction. */
  add(rows: number): void {
    this.#add(rows);
  }

  close(): void {
    this.#close();
  }
}
