import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { RawTable } from './raw-table.js';

/** Writes what lies ready in one transaction, and answers with the number of messages. */
const table = new RawTable(workerData as string, { indexed: false });
const port = parentPort!;
port.on('message', (first: string[]) => {
  const messages = [first];
  let next = receiveMessageOnPort(port) as { message: string[] } | undefined;
  while (next !== undefined) {
    messages.push(next.message);
    next = receiveMessageOnPort(port) as { message: string[] } | undefined;
  }
  table.add(messages.flat().map((text) => Buffer.from(text)));
  port.postMessage(messages.length);
});
