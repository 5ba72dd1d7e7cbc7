import { parentPort, workerData } from 'node:worker_threads';
import { decisionLeaf, RawTable } from './raw-table.js';

/** better-sqlite3 in a thread of its own: commits a row for each message, then answers it. */
const table = new RawTable(workerData as string, { indexed: false });
parentPort!.on('message', () => {
  table.add([decisionLeaf]);
  parentPort!.postMessage(1);
});
