import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// What the collector frees it overwrites with zeros: in the space of the young only. Where objects grow old it leaves what it frees as it is,
// and what came while it ran is old then, so each collection moves all that lives to new pages and gives the old ones back to the kernel.
setFlagsFromString('--clear-free-memory');
setFlagsFromString('--compact-on-every-full-gc');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/**
 * Overwrites or gives back what no variable holds any more: texts are strings, which JavaScript cannot overwrite, so a full collection does.
 * Some 5 ms for the heap of a worker. On versions of Node where that is not whole (wipes-whole.ts) a worker has one prompt, and no wipe.
 */
export function wipe(): void {
  // The engine of regular expressions keeps the last text that it found something in.
  /^/.exec('');
  collect();
}
