import { join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { openForWriting } from '../../runtime/ledger/database.js';

/** Writes what lies ready in one transaction, with the ledger's settings and its table of events, and answers with the number of messages. */
const { db } = openForWriting(join(workerData as string, 'plain.sqlite'), 500_000_000);
const insert = db.prepare(
  'INSERT INTO events ("index", type, module, stream, correlation_id, time_ms, leaf, leaf_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
);
const hash = Buffer.alloc(32);
let index = 0;
const write = db.transaction((messages: string[][]) => {
  for (const text of messages.flat()) {
    insert.run(index++, 'decision_made', 'zeroia', 'local', null, Date.now(), Buffer.from(text), hash);
  }
});
const port = parentPort!;
port.on('message', (first: string[]) => {
  const messages = [first];
  let next = receiveMessageOnPort(port) as { message: string[] } | undefined;
  while (next !== undefined) {
    messages.push(next.message);
    next = receiveMessageOnPort(port) as { message: string[] } | undefined;
  }
  write.immediate(messages);
  port.postMessage(messages.length);
});
