import { workerData } from 'piscina';
import { Core } from '../../core-wasm/index.js';
import type { PoolData, PoolTask } from './pool.js';

const { memory, module } = workerData as PoolData;
const core = Core.attach(memory, module);

/** Runs one task of the pool over the shared memory. */
export default function run(task: PoolTask): void {
  if (task.kind === 'score') {
    core.slab.score(task.from, task.count);
    return;
  }
  const breaker = core.breakers.at(task.slot);
  for (const outcome of task.outcomes) {
    const permit = breaker.acquire(task.nowMs);
    if (permit >= 0) breaker.record(permit, outcome, task.nowMs);
  }
}
