import { parentPort, workerData } from 'node:worker_threads';
import type { EraseSelector } from '../contracts/ledger.js';
import { erase } from './erasing.js';
import { openForErasing } from './other-ledgers.js';
import type { EraseReply } from './protocol.js';

/** A thread of its own: its steps share the file with the writer's transactions, and reading for them holds up neither it nor the caller. */
async function main(): Promise<void> {
  const { file, selector } = workerData as { file: string; selector: EraseSelector };
  let reply: EraseReply;
  const db = openForErasing(file);
  try {
    reply = { erased: await erase(db, file, selector) };
  } catch (error) {
    reply = { problem: error instanceof Error ? error.message : String(error) };
  } finally {
    db.close();
  }
  parentPort?.postMessage(reply);
}

await main();
