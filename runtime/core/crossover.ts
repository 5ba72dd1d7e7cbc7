import { performance } from 'node:perf_hooks';
import type { Core } from '../../core-wasm/index.js';
import type { CorePool } from './pool.js';

const recordsMeasured = 1024;
const runs = 20;
const posts = 50;

/**
 * From how many records on a batch costs this thread less when it is posted to the pool than when it is scored here. Compares
 * the time of scoring with the time this thread is busy (not waiting) with one post and its answer. Takes some 10 ms, overwrites the
 * slab's first records: only before the first request.
 */
export async function measureCrossover(core: Core, pool: Pick<CorePool, 'score'>): Promise<number> {
  const { slab } = core;
  const sample = { cpu: 55, ram: 40, severity: 'low', temperatureC: 60, disk: 50, errorRate: 0.1 } as const;
  for (let i = 0; i < recordsMeasured; i++) slab.write(i, sample);
  for (let i = 0; i < runs; i++) slab.score(0, recordsMeasured);
  const began = performance.now();
  for (let i = 0; i < runs; i++) slab.score(0, recordsMeasured);
  const recordMs = (performance.now() - began) / (runs * recordsMeasured);

  for (let i = 0; i < posts; i++) await pool.score(0, 1);
  const before = performance.eventLoopUtilization();
  for (let i = 0; i < posts; i++) await pool.score(0, 1);
  const postMs = performance.eventLoopUtilization(before).active / posts;
  return Math.max(1, Math.ceil(postMs / recordMs));
}
