import { parentPort, workerData } from 'node:worker_threads';
import { Core, type CoreShare } from '../core.js';
import { meet } from './run-threads.js';

/** What a thread of the concurrency test is told. */
export interface LimitThreadTask {
  share: CoreShare;
  limit: number;
  samples: { rttMs: number; inFlight: number; dropped: boolean }[];
  rounds: number;
  threads: number;
  gate: Int32Array<SharedArrayBuffer>;
}

const { share, limit: index, samples, rounds, threads, gate } = workerData as LimitThreadTask;
const limit = Core.attach(share.memory, share.module).limits.at(index);
meet(gate, threads);
/** The least and the greatest limit that this thread saw. */
const seen = [limit.exact(), limit.exact()];
for (let round = 0; round < rounds; round++) {
  for (const { rttMs, inFlight, dropped } of samples) {
    limit.sample(rttMs, inFlight, dropped);
    const now = limit.exact();
    if (now < seen[0]!) seen[0] = now;
    if (now > seen[1]!) seen[1] = now;
  }
}
parentPort?.postMessage(seen);
