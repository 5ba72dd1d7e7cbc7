import { totalmem } from 'node:os';
import type { Check } from './finding.js';

const mb = 1_048_576;
/** What the server and its two sandbox workers take at rest, with room for one prompt. */
const neededBytes = 300 * mb;

/** Memory of the machine and what is available of it now. */
export const memoryCheck: Check = {
  name: 'memory',
  run: () => {
    const available = process.availableMemory();
    const found = `${Math.floor(available / mb)} MB available of ${Math.floor(totalmem() / mb)} MB`;
    if (available >= neededBytes) return [{ check: 'memory', level: 'ok', found }];
    const todo = 'Stop something else, or lower sandbox.workers to 1.';
    return [{ check: 'memory', level: 'warning', found, todo }];
  },
};
