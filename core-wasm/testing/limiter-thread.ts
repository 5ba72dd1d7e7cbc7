import { parentPort, workerData } from 'node:worker_threads';
import { Core, type CoreShare } from '../core.js';
import { meet } from './run-threads.js';

/** What a thread of the concurrency test is told. */
export interface LimiterThreadTask {
  share: CoreShare;
  limiter: number;
  /** Each round: the time, and the hashes of which every thread takes one token each, in an order of its own. */
  rounds: { nowMs: number; clients: [low: number, high: number][] }[];
  thread: number;
  threads: number;
  gate: Int32Array<SharedArrayBuffer>;
}

const { share, limiter: index, rounds, thread, threads, gate } = workerData as LimiterThreadTask;
const limiter = Core.attach(share.memory, share.module).limiters.at(index);

/** For each round, for each client: whether a token was taken. */
const taken = rounds.map(({ nowMs, clients }, round) => {
  const got = clients.map(() => 0);
  meet(gate, threads);
  for (let i = 0; i < clients.length; i++) {
    // Half of the rounds all take the same client at the same moment; half each begins elsewhere.
    const at = round % 2 ? i : (i + thread * 3) % clients.length;
    const [low, high] = clients[at]!;
    if (limiter.takeHashed(low, high, nowMs) === 0) got[at]! += 1;
  }
  return got;
});
parentPort?.postMessage(taken);
