import { describe, expect, it, vi } from 'vitest';
import { Core } from './index.js';
import type { RateLimiter } from './rate-limiter.js';
import type { LimiterThreadTask } from './testing/limiter-thread.js';
import { createGate, runThreads } from './testing/run-threads.js';

const threads = 3;
const long = process.env.ARKALIA_TEST_LONG === '1';
if (long) vi.setConfig({ testTimeout: 600_000 });
const many = long ? 20 : 1;
const script = new URL('./testing/limiter-thread.js', import.meta.url);

/** For each round, for each client, how many tokens all threads together got. */
async function run(
  core: Core,
  limiter: RateLimiter,
  rounds: LimiterThreadTask['rounds'],
): Promise<number[][]> {
  const gate = createGate();
  const tasks = Array.from({ length: threads }, (_, thread): LimiterThreadTask => {
    return { share: core.share, limiter: limiter.index, rounds, thread, threads, gate };
  });
  const taken = await runThreads<number[][]>(script, tasks);
  return rounds.map(({ clients }, round) =>
    clients.map((_, at) => taken.reduce((sum, thread) => sum + (thread[round]?.[at] ?? 0), 0)),
  );
}

const repeat = <T>(times: number, item: T): T[] => Array.from({ length: times }, () => item);

/** Every client that stands in the table; throws when one stands there twice. */
function clientsIn(core: Core, { index }: RateLimiter): number {
  const at = core.layout;
  const view = new DataView(core.share.memory.buffer);
  let found = 0;
  for (let set = 0; set < at.LIMITER_SET_COUNT; set++) {
    const keys =
      at.LIMITER_FIRST +
      index * at.LIMITER_BYTES +
      at.LIMITER_SETS +
      set * at.LIMITER_SET_BYTES +
      at.SET_KEYS;
    const tags = Array.from({ length: at.LIMITER_WAYS }, (_, way) =>
      (view.getBigUint64(keys + 8 * way, true) >> 16n).toString(16),
    ).filter((tag) => tag !== '0');
    if (new Set(tags).size !== tags.length) throw new Error(`set ${set} holds a client twice: ${tags}`);
    found += tags.length;
  }
  return found;
}

describe('rate limiter under several threads', () => {
  it('gives one client exactly the burst, then exactly the rate', async () => {
    const core = Core.create();
    const limiter = core.limiters.take({ tokens: 3, intervalMs: 10, burst: 1000 });
    const client: [number, number] = [77, 1];
    const steps = 500 * many;
    const rounds = [
      { nowMs: 5, clients: repeat(2000, client) },
      ...Array.from({ length: steps }, (_, i) => ({ nowMs: 5 + 10 * (i + 1), clients: repeat(4, client) })),
    ];
    const [first, ...later] = (await run(core, limiter, rounds)).map((got) => got.reduce((a, b) => a + b, 0));
    expect(first).toBe(1000);
    expect(later).toEqual(repeat(steps, 3));
    expect(limiter.counters().refused).toBe(threads * (2000 + 4 * steps) - 1000 - 3 * steps);
  });

  it('gives every new client one bucket, whoever brings it first', async () => {
    for (let time = 0; time < many; time++) {
      const core = Core.create();
      const limiter = core.limiters.take({ tokens: 1, intervalMs: 1000, burst: 2 });
      const rounds = Array.from({ length: 1024 }, (_, set) => ({
        nowMs: 0,
        clients: Array.from({ length: 8 }, (_, i): [number, number] => [set + 65_536 * i, i + 1]),
      }));
      const got = await run(core, limiter, rounds);
      expect(got.flat().filter((tokens) => tokens !== 2)).toEqual([]);
      expect(clientsIn(core, limiter)).toBe(8192);
      expect(limiter.counters()).toEqual({ refused: 8192, evicted: 0, evictedInDebt: 0 });
    }
  });

  it('never lets a set give more than eight buckets, while clients push each other out', async () => {
    const core = Core.create();
    const burst = 4;
    const limiter = core.limiters.take({ tokens: 1, intervalMs: 1, burst });
    const steps = 800 * many;
    const rounds = Array.from({ length: steps }, (_, i) => ({
      nowMs: i,
      clients: Array.from({ length: 24 }, (_, j): [number, number] => [9, 1 + ((i * 7 + j) % 31)]),
    }));
    const got = await run(core, limiter, rounds);
    let sum = 0;
    got.forEach((tokens, i) => {
      sum += tokens.reduce((a, b) => a + b, 0);
      // At most what eight buckets hold, and one token each a millisecond since.
      expect(sum).toBeLessThanOrEqual(8 * (burst + i));
    });
    expect(clientsIn(core, limiter)).toBe(8);
    const { refused, evictedInDebt } = limiter.counters();
    expect(refused).toBe(threads * 24 * steps - sum);
    expect(evictedInDebt).toBeGreaterThan(0);
  });
});
