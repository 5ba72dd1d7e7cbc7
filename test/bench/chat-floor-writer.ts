import { parentPort, workerData } from 'node:worker_threads';
import { Database } from '../../runtime/contracts/sqlite.js';

/** The thread of chat-floor.ts: one row, one commit, one word back. */
const db = new Database(workerData as string);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, row BLOB NOT NULL)');
const insert = db.prepare('INSERT INTO rows (row) VALUES (?)');
parentPort!.on('message', (row: Uint8Array) => {
  insert.run(row);
  parentPort!.postMessage(null);
});
