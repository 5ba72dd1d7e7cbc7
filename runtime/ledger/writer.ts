import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Heart } from '../watchdog/beats.js';
import { LedgerFileError } from './ledger-file-error.js';
import { type Opened, Opener } from './opener.js';
import type { WriterData, WriterReply, WriterRequest } from './protocol.js';
import { WriterThread } from './writer-thread.js';

const heartbeatMs = 1000;

async function main(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('the writer runs as a worker thread');
  const data = workerData as WriterData;
  const opener = new Opener(data);
  let opened: Opened;
  try {
    opened = await opener.open();
  } catch (error) {
    if (!(error instanceof LedgerFileError)) throw error;
    port.postMessage({ kind: 'refused', code: error.code, message: error.message } satisfies WriterReply);
    return;
  }
  if (data.heart !== undefined) beatOften(new Heart(data.heart));
  new WriterThread(
    {
      listen: (hear) => port.on('message', hear),
      next: () => receiveMessageOnPort(port) as { message: WriterRequest } | undefined,
      postMessage: (message, moved) => port.postMessage(message, moved),
      close: () => port.close(),
    },
    opener,
  ).serve(opened);
}

/** Between two pieces of work; a commit that hangs is silence. */
function beatOften(heart: Heart): void {
  heart.beat();
  setInterval(() => heart.beat(), heartbeatMs).unref();
}

await main();
