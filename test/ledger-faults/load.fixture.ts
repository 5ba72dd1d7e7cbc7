import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../runtime/contracts/clock.js';
import { openLedger } from '../../runtime/ledger/ledger.js';

/** Records for ever and prints what it is told, only when it is told: `r <index> <leaf hash>` and `c <checkpoint in base64>`. */
const [folder, safety] = process.argv.slice(2);
if (folder === undefined || (safety !== 'full' && safety !== 'off')) {
  throw new Error('usage: load.fixture.js FOLDER full|off');
}

const ledger = await openLedger({
  file: join(folder, 'ledger.sqlite'),
  bootId: 'load',
  clock: systemClock,
  queueMax: 1000,
  batchMax: 32,
  onFailure: (error) => {
    throw error;
  },
  startWriter: (script, workerData) =>
    new Worker(safety === 'full' ? script : new URL('./unsafe-writer.fixture.js', import.meta.url), {
      workerData,
    }),
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
  // Long enough that the write-ahead log is copied back several times in a round.
  const text = stream.repeat(150);
  for (let n = 0; ; n++) {
    const { index, leaf_hash } = await ledger.append({
      type: 'decision_made',
      module: 'zeroia',
      stream,
      data: { n },
      texts: { context: `${text} ${n}` },
    });
    print(`r ${index} ${leaf_hash}\n`);
  }
}

async function checkpointForEver(): Promise<never> {
  for (;;) {
    const { size } = ledger.status();
    const note = await ledger.log.covering(size);
    print(`c ${Buffer.from(note).toString('base64')}\n`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

await Promise.all([
  checkpointForEver(),
  ...Array.from({ length: 24 }, (_, i) => appendForEver(`stream-${i}`)),
]);
