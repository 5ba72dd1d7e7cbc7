import { writeSync } from 'node:fs';
import { systemClock } from '../contracts/clock.js';
import { openLedger } from './ledger.js';

/** Appends for ever, and prints each receipt only when it has it. Killed from outside. */
const [file, bootId] = process.argv.slice(2);
if (file === undefined || bootId === undefined) throw new Error('usage: crash.fixture.js FILE BOOT_ID');

const ledger = await openLedger({
  file,
  bootId,
  clock: systemClock,
  queueMax: 1000,
  batchMax: 32,
  // So that a million events have room.
  sizeLimitBytes: 1_000_000_000,
  onFailure: (error) => {
    throw error;
  },
});

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes a line whole (it is shorter than the pipe's atomic write); a full pipe is waited for. */
function print(line: string): void {
  for (;;) {
    try {
      writeSync(1, line);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

async function appendForEver(stream: string): Promise<never> {
  for (let n = 0; ; n++) {
    const receipt = await ledger.append({
      type: 'decision_made',
      module: 'zeroia',
      stream,
      data: { n },
      texts: { context: `${stream} ${n}` },
    });
    print(`${receipt.index} ${receipt.leaf_hash}\n`);
  }
}

await Promise.all(Array.from({ length: 24 }, (_, i) => appendForEver(`stream-${i}`)));
