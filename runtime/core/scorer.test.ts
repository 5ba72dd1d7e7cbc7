import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import type { Score, ScoreInput, Severity } from '../contracts/decision.js';
import { CorePool, type PoolTask } from './pool.js';
import { BatchScorer } from './scorer.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function setUp(
  offload: 'auto' | 'always' | 'never',
  threads = 2,
  run?: (pool: CorePool, task: PoolTask) => Promise<void>,
) {
  const core = Core.create();
  const real = new CorePool(core, threads);
  closers.push(() => real.close());
  const pool =
    run === undefined ? real : ({ run: (task: PoolTask) => run(real, task) } as unknown as CorePool);
  const failures: unknown[] = [];
  const scorer = new BatchScorer({
    core,
    pool,
    offload,
    now: () => performance.now(),
    onPoolFailure: (error) => failures.push(error),
  });
  return { core, real, scorer, failures };
}

/** What one record gives on a core of its own. */
function alone(input: ScoreInput): Score {
  const { slab } = Core.create();
  slab.write(0, input);
  slab.score(0, 1);
  return slab.read(0);
}

const input = fc.record({
  cpu: fc.double({ min: 0, max: 100, noNaN: true }),
  ram: fc.double({ min: 0, max: 100, noNaN: true }),
  severity: fc.constantFrom<Severity>('none', 'normal', 'low', 'medium', 'high', 'critical'),
});

test.each(['auto', 'always', 'never'] as const)(
  'offload %s gives each request its own score',
  async (offload) => {
    const { scorer } = setUp(offload);
    await scorer.start();
    const inputs = fc.sample(input, 200);
    const scores = await Promise.all(inputs.map((one) => scorer.score(one)));
    expect(scores).toEqual(inputs.map(alone));
  },
);

test('more requests in one turn than the slab has records are all answered', async () => {
  const { scorer, core } = setUp('always');
  const count = core.slab.records * 2 + 17;
  const scores = await Promise.all(
    Array.from({ length: count }, (_, i) => scorer.score({ cpu: i % 101, ram: 0, severity: 'none' })),
  );
  for (const [i, score] of scores.entries()) expect(score.pressure).toBe((i % 101) / 100);
});

test('batches that end out of order do not write over each other', async () => {
  const held: (() => void)[] = [];
  const { scorer, core } = setUp('always', 1, async (pool, task) => {
    await pool.run(task);
    // The first batch ends last.
    if (held.length === 0) await new Promise<void>((resolve) => held.push(resolve));
  });
  const size = Math.floor(core.slab.records * 0.6);
  const batch = (cpu: number) =>
    Promise.all(Array.from({ length: size }, () => scorer.score({ cpu, ram: 0, severity: 'none' })));
  const first = batch(10);
  await new Promise((resolve) => setImmediate(resolve));
  const second = batch(20);
  const third = batch(30);
  await new Promise((resolve) => setTimeout(resolve, 20));
  held[0]!();
  for (const [scores, pressure] of [
    [await first, 0.1],
    [await second, 0.2],
    [await third, 0.3],
  ] as const) {
    for (const score of scores) expect(score.pressure).toBe(pressure);
  }
});

test('a pool thread that fails takes no request with it, and is told of', async () => {
  const { scorer, failures } = setUp('always', 1, () => Promise.reject(new Error('thread died')));
  expect(await scorer.score({ cpu: 85, ram: 10, severity: 'normal' })).toMatchObject({
    decision: 'reduce_load',
  });
  expect(failures).toHaveLength(1);
});

test('an impossible input is refused alone; its batch goes on', async () => {
  const { scorer } = setUp('never');
  const good = scorer.score({ cpu: 10, ram: 10, severity: 'normal' });
  const bad = scorer.score({ cpu: Number.NaN, ram: 10, severity: 'normal' });
  const after = scorer.score({ cpu: 90, ram: 10, severity: 'normal' });
  await expect(bad).rejects.toThrow(RangeError);
  expect((await good).decision).toBe('normal');
  expect((await after).decision).toBe('reduce_load');
});

test('close waits for what is in the pool', async () => {
  const { scorer } = setUp('always');
  const pending = scorer.score({ cpu: 1, ram: 1, severity: 'none' });
  await scorer.close();
  expect((await pending).decision).toBe('normal');
});

const breakerOptions = {
  windowCalls: 10,
  callsMin: 4,
  failureRate: 0.5,
  openMs: 1000,
  halfOpenPermits: 1,
  halfOpenMs: 1000,
};

test('a breaker opened by a pool thread is open here', async () => {
  const { core, real } = setUp('never');
  const slot = core.breakers.take(breakerOptions);
  await real.run({
    kind: 'outcomes',
    slot: slot.index,
    nowMs: 5,
    outcomes: ['failure', 'failure', 'failure', 'failure'],
  });
  expect(slot.state()).toBe('open');
  expect(slot.acquire(105)).toBe(-900);
});

test('a breaker opened here is open in a pool thread', async () => {
  const { core, real } = setUp('never');
  const slot = core.breakers.take(breakerOptions);
  for (let i = 0; i < 4; i++) slot.record(slot.acquire(5), 'failure', 5);
  await real.run({ kind: 'outcomes', slot: slot.index, nowMs: 10, outcomes: ['success', 'success'] });
  // The thread asked twice and was refused twice; a closed breaker would have counted two successes.
  expect(slot.counters()).toMatchObject({ refused: 2, successes: 0 });
});
