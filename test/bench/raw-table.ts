import { join } from 'node:path';
import type { Database, Transaction } from 'better-sqlite3';
import { openForWriting } from '../../runtime/ledger/database.js';

/** What a decision of /zeroia/decisions says in the ledger. */
export const decisionText = `{"absent":["context_relevance","error_rate","response_time"],"confidence":0.5312500000000001,"core_sha256":"${'ab'.repeat(32)}","decision":"monitor","factors":{"consistency":[0.5,0.3333333333333333],"resource_efficiency":[0.225,0.3333333333333333],"system_health":[0.5,0.3333333333333333]},"id":"d-0123456789-1a2b","input":{"cpu":85,"ram":70,"severity":"high"},"parameters":[0.25,0.2,0.15,0.15,0.15,0.1,0,0.2,0.3,0.5,0.75,1,80,60,85,70,75,65,0.1,10000],"pressure":0.775,"reasons":["cpu_above_80"],"weights_version":"0123456789abcdef"}`;

/** Such a decision as the ledger stores it. */
export const decisionLeaf = Buffer.from(
  `{"boot_id":"bench","data":${decisionText},"module":"zeroia","monotonic_ms":123456,"stream":"caller-1","time_ms":1760000000000,"type":"decision_made","v":1}`,
);

/** The ledger's table of events in better-sqlite3 alone, with the ledger's settings; with an index over type and one over stream, or bare. */
export class RawTable {
  readonly #db: Database;
  readonly #add: Transaction<(leaves: readonly Buffer[]) => void>;

  constructor(folder: string, how: { indexed: boolean }) {
    const { db } = openForWriting(join(folder, 'ledger.sqlite'), 500_000_000);
    this.#db = db;
    if (how.indexed) {
      for (const column of ['type', 'stream']) db.exec(`CREATE INDEX by_${column} ON events (${column})`);
    }
    const insert = db.prepare(
      'INSERT INTO events ("index", type, module, stream, correlation_id, time_ms, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
    const hash = Buffer.alloc(32, 7);
    let index = 0;
    this.#add = db.transaction((leaves) => {
      for (const [n, leaf] of leaves.entries()) {
        insert.run(index++, 'decision_made', 'zeroia', `caller-${n}`, null, 1_760_000_000_000, leaf, hash);
      }
    });
  }

  /** Commits a row for each leaf, all in one transaction. */
  add(leaves: readonly Buffer[]): void {
    this.#add.immediate(leaves);
  }

  close(): void {
    this.#db.close();
  }
}
