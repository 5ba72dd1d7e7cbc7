import { workerData } from 'node:worker_threads';
import { Core } from '../../core-wasm/index.js';
import type { BatchResult, ReplayBatch } from '../replay/batch.js';
import type { PoolResult, PoolTask } from './tasks.js';

const share = workerData as Core['share'];
const core = Core.attach(share.memory, share.module);

/** One task of the pool, in one of its threads. */
export default function work(task: PoolTask): PoolResult | Promise<PoolResult> {
  if (task.kind === 'score') {
    core.slab.score(task.from, task.count);
    return task.count;
  }
  if (task.kind === 'ready') return 0;
  if (task.kind === 'replay') return replay(task.batch);
  const slot = core.breakers.at(task.slot);
  let passed = 0;
  for (let i = 0; i < task.times; i++) {
    const permit = slot.acquire(task.nowMs);
    if (permit < 0) continue;
    passed++;
    slot.record(permit, task.outcome, task.nowMs);
  }
  return passed;
}

/** Loaded only by a thread that replays: a server's threads never do. */
async function replay(batch: ReplayBatch): Promise<BatchResult> {
  const { replayBatch } = await import('../replay/batch.js');
  return replayBatch(batch);
}
