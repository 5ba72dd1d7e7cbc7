import { afterEach, describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import type { ScoreInput } from '../contracts/decision.js';
import { CorePool } from './pool.js';
import { CoreScorer } from './scorer.js';

/** A pool whose batches end when the test says so. */
class HeldPool {
  readonly batches: { from: number; count: number; end: (error?: Error) => void }[] = [];
  closed = 0;
  constructor(readonly core: Core) {}

  score(from: number, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error) => {
        if (error) return reject(error);
        this.core.slab.score(from, count);
        resolve();
      };
      this.batches.push({ from, count, end });
    });
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

const input = (cpu: number): ScoreInput => ({ cpu, ram: 0, severity: 'none' });
const ask = (scorer: CoreScorer, given: ScoreInput) => scorer.score(given, (record) => record.toScore());
const turn = () => new Promise((resolve) => setImmediate(resolve));
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function held() {
  const core = Core.create();
  const pool = new HeldPool(core);
  const failures: unknown[] = [];
  const scorer = await CoreScorer.start({
    core,
    pool,
    offload: 'always',
    onPoolFailure: (e) => failures.push(e),
  });
  return { core, pool, scorer, failures };
}

const here = () =>
  CoreScorer.start({
    core: Core.create(),
    offload: 'never',
    onPoolFailure: (error) => {
      throw error;
    },
  });

describe('scorer', () => {
  it('scores the requests of one turn as one batch and gives each its own result', async () => {
    const { pool, scorer } = await held();
    const scores = Array.from({ length: 100 }, (_, cpu) => ask(scorer, input(cpu)));
    await turn();
    expect(pool.batches.map(({ from, count }) => [from, count])).toEqual([[0, 100]]);
    pool.batches[0]?.end();
    expect((await Promise.all(scores)).map((score) => score.pressure)).toEqual(
      Array.from({ length: 100 }, (_, cpu) => cpu / 100),
    );
    await scorer.close();
  });

  it('never writes into a region whose batch is out', async () => {
    const { pool, scorer } = await held();
    const scores: Promise<number>[] = [];
    for (let batch = 0; batch < 4; batch++) {
      scores.push(ask(scorer, input(batch)).then((score) => score.pressure));
      await turn();
    }
    for (let extra = 4; extra < 10; extra++)
      scores.push(ask(scorer, input(extra)).then((score) => score.pressure));
    await turn();
    expect(pool.batches.map(({ from }) => from)).toEqual([0, 1024, 2048, 3072]);
    pool.batches[2]?.end();
    await turn();
    await turn();
    expect(pool.batches.slice(4).map(({ from, count }) => [from, count])).toEqual([[2048, 6]]);
    for (const at of [4, 3, 0, 1]) pool.batches[at]?.end();
    expect(await Promise.all(scores)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((cpu) => cpu / 100));
    await scorer.close();
  });

  it('lets 4096 requests wait for a batch, refuses the next as overload, and answers the rest', async () => {
    const { pool, scorer } = await held();
    const scores = Array.from({ length: 8192 }, (_, i) => ask(scorer, input(i % 101)));
    await expect(ask(scorer, input(1))).rejects.toMatchObject({
      name: 'CognitiveOverloadError',
      code: 'cognitive_overload',
      retryAfterMs: 1000,
    });
    for (let ended = 0; ended < 8; ended++) {
      expect(pool.batches.length - ended).toBe(Math.min(4, 8 - ended));
      pool.batches[ended]?.end();
      await turn();
    }
    const pressures = (await Promise.all(scores)).map((score) => score.pressure);
    expect(pressures).toEqual(Array.from({ length: 8192 }, (_, i) => (i % 101) / 100));
    await scorer.close();
  });

  it('hands out no score that does not agree with itself, and every other of its batch', async () => {
    const { core, pool, scorer } = await held();
    const { SLAB, RECORD_BYTES, RECORD_CONFIDENCE, RECORD_DECISION, RECORD_PRESSURE, RECORD_SHARES } =
      core.layout;
    const view = new DataView(core.share.memory.buffer);
    const scores = Promise.allSettled([0, 1, 2, 3, 4, 5].map((cpu) => ask(scorer, input(cpu))));
    await turn();
    pool.batches[0]?.end();
    // It is scored now, and read in a microtask.
    view.setFloat64(SLAB + RECORD_CONFIDENCE, Number.NaN, true);
    view.setUint32(SLAB + RECORD_BYTES + RECORD_DECISION, 4, true);
    view.setFloat64(SLAB + 2 * RECORD_BYTES + RECORD_PRESSURE, 1.5, true);
    view.setFloat64(SLAB + 3 * RECORD_BYTES + RECORD_SHARES + 8, 0.5, true);
    view.setFloat64(SLAB + 4 * RECORD_BYTES + RECORD_CONFIDENCE, 1.01, true);
    const settled = await scores;
    expect(settled.map(({ status }) => status)).toEqual([...Array(5).fill('rejected'), 'fulfilled']);
    for (const one of settled.slice(0, 5)) {
      expect((one as PromiseRejectedResult).reason).toMatchObject({
        name: 'DecisionIntegrityError',
        code: 'decision_integrity',
      });
    }
    await scorer.close();
  });

  it('with auto, a turn that reaches the crossover is one batch in the pool, beyond one region too; a shorter one is scored here', async () => {
    const core = Core.create();
    const pool = new HeldPool(core);
    const measure = async () => 1500;
    const onPoolFailure = (error: unknown) => ends.push(() => Promise.reject(error));
    const scorer = await CoreScorer.start({ core, pool, offload: 'auto', onPoolFailure, measure });
    expect([scorer.crossoverRecords, scorer.batchRecordsMax]).toEqual([1500, 3072]);
    const asked: Promise<number>[] = [];
    const wanted: number[] = [];
    const turnOf = async (count: number) => {
      for (let i = 0; i < count; i++) {
        wanted.push(((i * 7) % 101) / 100);
        asked.push(scorer.score(input((i * 7) % 101), (record) => record.pressure));
      }
      await turn();
    };
    const out = () => pool.batches.map(({ from, count }) => [from, count]);
    await turnOf(1499);
    expect(out()).toEqual([]);
    await turnOf(1500);
    expect(out()).toEqual([[0, 1500]]);
    // Two regions are out, and one of the two others stays free.
    await turnOf(1499);
    expect(out()).toEqual([[0, 1500]]);
    pool.batches[0]?.end();
    await turn();
    await turnOf(5000);
    expect(out().slice(1)).toEqual([[0, 3072]]);
    await turnOf(2000);
    pool.batches[1]?.end();
    await turn();
    await turnOf(3072);
    expect(out().slice(2)).toEqual([[0, 3072]]);
    pool.batches[2]?.end();
    expect(await Promise.all(asked)).toEqual(wanted);
    await scorer.close();
  });

  it('scores a batch here when the pool fails at it', async () => {
    const { pool, scorer, failures } = await held();
    const score = ask(scorer, input(90));
    await turn();
    pool.batches[0]?.end(new Error('thread died'));
    expect((await score).reasons).toEqual(['cpu_above_80']);
    expect(failures.map(String)).toEqual(['Error: thread died']);
    await scorer.close();
  });

  it('rejects a bad input alone', async () => {
    const scorer = await here();
    const scores = await Promise.allSettled([
      ask(scorer, input(1)),
      ask(scorer, input(Number.NaN)),
      ask(scorer, input(2)),
    ]);
    expect(scores.map((score) => score.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((scores[1] as PromiseRejectedResult).reason).toBeInstanceOf(RangeError);
    expect((scores[2] as PromiseFulfilledResult<{ pressure: number }>).value.pressure).toBe(0.02);
    await scorer.close();
  });

  it('rejects a whole batch that the core stops at, and goes on with the next', async () => {
    const core = Core.create();
    const scorer = await CoreScorer.start({ core, offload: 'never', onPoolFailure: () => {} });
    const score = ask(scorer, input(1));
    new DataView(core.share.memory.buffer).setUint32(
      core.layout.SLAB + core.layout.RECORD_SEVERITY,
      99,
      true,
    );
    await expect(score).rejects.toThrow('the hot core stopped at an assertion');
    expect((await ask(scorer, input(3))).pressure).toBe(0.03);
    await scorer.close();
  });

  it('answers more requests in one turn than a region holds', async () => {
    const scorer = await here();
    const scores = await Promise.all(Array.from({ length: 5000 }, (_, i) => ask(scorer, input(i % 101))));
    expect(scores.every((score, i) => score.pressure === (i % 101) / 100)).toBe(true);
    await scorer.close();
  });

  it('close waits for every score, those waiting for a batch included, and ends the pool once', async () => {
    const { pool, scorer } = await held();
    const scores = Array.from({ length: 4097 }, (_, i) => ask(scorer, input(i % 101)));
    const closed = scorer.close();
    await expect(ask(scorer, input(1))).rejects.toMatchObject({ code: 'shutting_down' });
    expect(pool.closed).toBe(0);
    for (let ended = 0; ended < 5; ended++) {
      pool.batches[ended]?.end();
      await turn();
      await turn();
    }
    await closed;
    expect(pool.closed).toBe(1);
    expect(await Promise.all(scores)).toHaveLength(4097);
  });

  it('needs a pool unless it never offloads', async () => {
    const options = { core: Core.create(), onPoolFailure: () => {} };
    await expect(CoreScorer.start({ ...options, offload: 'auto' })).rejects.toThrow(
      'core.offload = auto needs a pool',
    );
    const scorer = await CoreScorer.start({ ...options, offload: 'never' });
    expect(scorer.crossoverRecords).toBe(Number.POSITIVE_INFINITY);
    await scorer.close();
  });

  it.each(['auto', 'always', 'never'] as const)('gives the same bits with offload %s', async (offload) => {
    const core = Core.create();
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const pool = new CorePool(core, { threads: 2, onError });
    ends.push(() => pool.close());
    const scorer = await CoreScorer.start({ core, pool, offload, onPoolFailure: onError });
    if (offload === 'auto') expect(Number.isInteger(scorer.crossoverRecords)).toBe(true);
    const sample: ScoreInput = {
      cpu: 33.3,
      ram: 66.6,
      severity: 'low',
      latencyMs: 77,
      historyPressure: 0.123,
    };
    const scores = await Promise.all(Array.from({ length: 3000 }, () => ask(scorer, sample)));
    core.slab.write(0, sample);
    core.slab.score(0, 1);
    const expected = core.slab.read(0);
    for (const score of scores) expect(score).toStrictEqual(expected);
    expect(errors).toEqual([]);
    await scorer.close();
  });
});
