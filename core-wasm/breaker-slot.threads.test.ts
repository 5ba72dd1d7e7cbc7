import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { BreakerSlot } from './breaker-slot.js';
import { Core } from './index.js';
import type { BreakerThreadTask } from './testing/breaker-thread.js';

const threads = 3;
const long = process.env.ARKALIA_TEST_LONG === '1';
const many = long ? 20 : 1;
const core = Core.create();

async function run(job: BreakerThreadTask['job'], slot: BreakerSlot, rounds: number): Promise<number[][][]> {
  const gate = new Int32Array(new SharedArrayBuffer(8));
  return await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const task: BreakerThreadTask = {
        share: core.share,
        slot: slot.index,
        job,
        rounds,
        thread,
        threads,
        gate,
      };
      const worker = new Worker(new URL('./testing/breaker-thread.js', import.meta.url), {
        workerData: task,
      });
      return new Promise<number[][]>((resolve, reject) => {
        let result: number[][] | undefined;
        worker.once('message', (message: number[][]) => {
          result = message;
        });
        worker.once('error', reject);
        worker.once('exit', (code) => (result ? resolve(result) : reject(new Error(`exit ${code}`))));
      });
    }),
  );
}

/** Entries of the ring whose outcome is a failure, but for the newest one, which the next outcome settles. */
function failuresInRing(slot: BreakerSlot, size: number, pushed: number): number {
  const { SLOTS, SLOT_BYTES, SLOT_RING } = core.layout;
  const ring = new Uint32Array(core.share.memory.buffer, SLOTS + slot.index * SLOT_BYTES + SLOT_RING, size);
  const newest = (pushed - 1) % size;
  return ring.reduce((sum, entry, i) => sum + (i === newest ? 0 : entry & 1), 0);
}

const none = { successes: 0, slow: 0, failures: 0, ignored: 0, late: 0, refused: 0, openings: 0 };

// Threads that meet at every round pass the processor around; a long run on two cores takes a minute and more.
describe('breaker under several threads', { timeout: long ? 600_000 : 60_000 }, () => {
  it.each([1, 2, 5])('lets exactly %d probes through, and one failed probe wins', async (permits) => {
    const slot = core.breakers.take({
      window: { calls: 1 },
      callsMin: 1,
      failureRate: 1,
      openMs: 1000,
      halfOpenPermits: permits,
      halfOpenMs: 1000,
    });
    slot.record(slot.acquire(0), 'failure', 0);
    const rounds = 400 * many;
    const seen = await run('probe', slot, rounds);
    for (let round = 0; round < rounds; round++) {
      const granted = seen.reduce((sum, thread) => sum + (thread[round]?.[0] ?? 0), 0);
      const moved = seen.reduce((sum, thread) => sum + (thread[round]?.[1] ?? 0), 0);
      expect([round, granted, moved]).toEqual([round, permits, 1]);
    }
    expect(slot.counters()).toEqual({
      ...none,
      failures: 1 + rounds,
      late: rounds * (permits - 1),
      refused: rounds * (3 * threads - permits),
      openings: 1 + rounds,
    });
    expect(slot.transition()).toBe(1 + 2 * rounds);
  });

  // Each thread reports successes and failures in turn, so more outcomes than threads are never all failures: it stays closed.
  it.each([4, 7, 1024])('loses no outcome of a window of %d', async (size) => {
    const slot = core.breakers.take({
      window: { calls: size },
      callsMin: size,
      failureRate: 1,
      openMs: 0,
      halfOpenPermits: 1,
      halfOpenMs: 1000,
    });
    const rounds = 20_000 * many;
    await run('flood', slot, rounds);
    const half = (threads * rounds) / 2;
    expect(slot.counters()).toEqual({ ...none, successes: half, failures: half });
    slot.record(slot.acquire(0), 'success', 0);
    const failures = failuresInRing(slot, size, threads * rounds + 1);
    expect(slot.window(0)).toEqual({ calls: size, failures, slow: 0 });
  });

  it('loses no outcome of a window by time while the threads turn its buckets over', async () => {
    const slot = core.breakers.take({
      window: { ms: 300, buckets: 60 },
      callsMin: 1_000_000,
      failureRate: 1,
      slow: { ms: 1, rate: 1 },
      openMs: 0,
      halfOpenPermits: 1,
      halfOpenMs: 1000,
    });
    // 64 reports a ms and thread: 18,900 are 59 full buckets and one fifth, and none is old enough to leave.
    const rounds = 18_900;
    await run('buckets', slot, rounds);
    const all = threads * rounds;
    expect(slot.window(rounds / 64)).toEqual({ calls: all, failures: all / 2, slow: (all * 2) / 3 });
    expect(slot.counters()).toEqual({
      ...none,
      successes: all / 6,
      slow: all / 3,
      failures: all / 2,
    });
  });

  it('the permits of threads that died come back', async () => {
    const slot = core.breakers.take({
      window: { calls: 1 },
      callsMin: 1,
      failureRate: 1,
      openMs: 1000,
      halfOpenPermits: threads,
      halfOpenMs: 500,
    });
    slot.record(slot.acquire(0), 'failure', 0);
    const permits = (await run('die', slot, 0)).flat(2);
    expect(permits.every((permit) => permit >= 0)).toBe(true);
    expect(slot.acquire(1499)).toBe(-1);
    expect(slot.acquire(1500)).toBe(-1000);
    expect(slot.transitionAt(slot.transition(), 1500)?.cause).toBe('probe_lost');
    const again = Array.from({ length: threads }, () => slot.acquire(2500));
    expect(again.every((permit) => permit >= 0 && !permits.includes(permit))).toBe(true);
  });

  it('a state that all force at once has one winner', async () => {
    const slot = core.breakers.take({
      window: { calls: 1 },
      callsMin: 1,
      failureRate: 1,
      openMs: 1,
      halfOpenPermits: 1,
      halfOpenMs: 1,
    });
    const rounds = 500 * many;
    const seen = await run('force', slot, rounds);
    for (let round = 0; round < rounds; round++) {
      expect(seen.reduce((sum, thread) => sum + (thread[round]?.[0] ?? 0), 0)).toBe(1);
    }
    expect(slot.transition()).toBe(rounds);
    expect(slot.counters()).toEqual({ ...none, refused: (threads * rounds) / 2 });
  });

  it('accounts for every call and keeps the log whole while it opens and closes', async () => {
    const slot = core.breakers.take({
      window: { calls: 3 },
      callsMin: 2,
      failureRate: 0.6,
      slow: { ms: 14, rate: 0.9 },
      openMs: 0.5,
      openMsMax: 2,
      openJitter: 0.3,
      halfOpenPermits: 2,
      halfOpenMs: 5,
    });
    const seen = (await run('storm', slot, 40_000 * many)).map(([sums]) => sums as number[]);
    const sum = (at: number) => seen.reduce((total, sums) => total + (sums[at] as number), 0);
    const { successes, slow, failures, ignored, late, refused, openings } = slot.counters();
    expect(sum(0)).toBe(successes + slow + failures + ignored + late);
    expect([sum(1), sum(2), sum(3)]).toEqual([refused, late, successes + slow + failures + ignored]);
    expect(openings).toBeGreaterThan(100);
    const { calls, failures: failed } = slot.window(0);
    expect(failed).toBeLessThanOrEqual(calls);

    const last = slot.transition();
    expect(last).toBeGreaterThan(64);
    let after: string | undefined = slot.state();
    for (let back = 0; back < 64; back++) {
      const transition = slot.transitionAt(last - back, 0);
      expect(transition?.to).toBe(after);
      after = transition?.from;
    }
  });
});
