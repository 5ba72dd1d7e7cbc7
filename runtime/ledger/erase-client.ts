import { Worker } from 'node:worker_threads';
import { AppError } from '../contracts/errors.js';
import type { EraseSelector } from '../contracts/ledger.js';
import type { Erased } from './erasing.js';
import type { EraseReply } from './protocol.js';

/** Indexes that one request may name. */
const idsMax = 1000;
const nameLengthMax = 256;

/** Erases in a thread of its own; resolves when no file beside the ledger holds the texts any more. */
export function eraseInThread(file: string, selector: EraseSelector): Promise<Erased> {
  return new Promise((resolve, reject) => {
    checkSelector(selector);
    const worker = new Worker(new URL('./erase-worker.js', import.meta.url), {
      workerData: { file, selector },
    });
    worker.once('message', (reply: EraseReply) => {
      if ('erased' in reply) resolve(reply.erased);
      else reject(unfinished(reply.problem));
    });
    worker.once('error', (error) => reject(unfinished(error)));
    worker.once('exit', () => reject(unfinished('the thread ended')));
  });
}

function unfinished(cause: unknown): AppError {
  return new AppError('ledger_unavailable', 'Not everything could be erased now; erase again.', {
    retryAfterMs: 1000,
    cause,
  });
}

function checkSelector(selector: EraseSelector): void {
  if ('ids' in selector) {
    const { ids } = selector;
    if (ids.length < 1 || ids.length > idsMax || !ids.every((id) => Number.isSafeInteger(id) && id >= 0)) {
      throw new RangeError(`ids are 1 to ${idsMax} indexes of events`);
    }
  } else if ('before' in selector) {
    if (!Number.isSafeInteger(selector.before) || selector.before < 0) {
      throw new RangeError(`before is in whole milliseconds since 1970, not ${selector.before}`);
    }
  } else {
    const name = 'session' in selector ? selector.session : selector.key;
    if (name.length < 1 || name.length > nameLengthMax) {
      throw new RangeError(`a session or key has 1 to ${nameLengthMax} characters`);
    }
  }
}
