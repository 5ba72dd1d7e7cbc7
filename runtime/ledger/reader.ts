import { parentPort, workerData } from 'node:worker_threads';
import { openForReading } from './database.js';
import type { ReaderRequest, ThreadData } from './protocol.js';
import { readerAnswers } from './reader-answers.js';

/** Answers over a read-only connection of its own. */
function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('the reader runs as a worker thread');
  const db = openForReading((workerData as ThreadData).file);
  const answer = readerAnswers(db);
  port.on('message', (request: ReaderRequest) => {
    if ('kind' in request && request.kind === 'close') {
      db.close();
      port.close();
      return;
    }
    const reply = answer(request);
    port.postMessage(reply, 'bytes' in reply && reply.bytes !== null ? [reply.bytes.buffer] : []);
  });
}

main();
