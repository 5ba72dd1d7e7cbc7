import { parentPort, workerData } from 'node:worker_threads';
import { Core, type CoreShare } from '../../core-wasm/core.js';
import { meet } from '../../core-wasm/testing/run-threads.js';

/** What one thread is told. */
export interface Hammering {
  share: CoreShare;
  slot: number;
  calls: number;
  /** How much time passes meanwhile for the breaker, in ms. */
  spanMs: number;
  threads: number;
  gate: Int32Array<SharedArrayBuffer>;
}

const { share, slot: index, calls, spanMs, threads, gate } = workerData as Hammering;
const slot = Core.attach(share.memory, share.module).breakers.at(index);
meet(gate, threads);
const began = performance.now();
for (let i = 0; i < calls; i++) {
  const nowMs = (i * spanMs) / calls;
  slot.record(slot.acquire(nowMs), i % 2 ? 'failure' : 'success', nowMs);
}
parentPort?.postMessage(performance.now() - began);
