import { parentPort, workerData } from 'node:worker_threads';
import { Core, type CoreShare } from '../core.js';
import { meet } from './run-threads.js';

/** What a thread of the concurrency test is told. */
export interface SketchThreadTask {
  share: CoreShare;
  /** Where times are added, and where the own sketch is merged into at the end. */
  shared: number;
  own: number;
  merged: number;
  times: number[];
  threads: number;
  gate: Int32Array<SharedArrayBuffer>;
}

const task = workerData as SketchThreadTask;
const { sketches } = Core.attach(task.share.memory, task.share.module);
const shared = sketches.at(task.shared);
const own = sketches.at(task.own);
meet(task.gate, task.threads);
for (const ms of task.times) {
  shared.add(ms);
  own.add(ms);
}
meet(task.gate, task.threads);
sketches.at(task.merged).merge(own);
parentPort?.postMessage('done');
