import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { AppError } from '../../runtime/contracts/errors.js';
import type { Ledger, NewEvent, Receipt } from '../../runtime/contracts/ledger.js';
import { openLedger } from '../../runtime/ledger/ledger.js';
import { createFakeContext, type FakeContext } from '../../test/support/fake-context.js';
import sandozia from './index.js';

const turn = () => new Promise(setImmediate);
const snapshotMs = 60_000;
const config = {
  modules: { enabled: ['sandozia', 'helloria'] },
  sandozia: { snapshot_ms: snapshotMs },
};

function sampleAfter({ clock, bus }: Pick<FakeContext, 'clock' | 'bus'>, ms: number): void {
  clock.advance(ms);
  const monotonic_ms = clock.monotonicMs();
  bus.publish('device.sampled', { wall_ms: 0, monotonic_ms, cpu: 10, ram: 20.5, absent: ['disk'] });
}

test('one is taken with the first sample after the interval, and holds how things stand', async () => {
  const context = createFakeContext({ config });
  const module = sandozia();
  await module.provision(context);
  const taken = () => context.ledger.events.filter(({ type }) => type === 'snapshot_taken');
  for (const [ms, count] of [
    [snapshotMs - 1, 0],
    [1, 1],
    [snapshotMs - 1, 1],
    [3 * snapshotMs, 2],
    [snapshotMs - 1, 2],
  ] as const) {
    sampleAfter(context, ms);
    await turn();
    expect(taken().length).toBe(count);
  }
  expect(taken()[0]!.data).toEqual({
    breakers: {},
    checks: {
      confidence_coherence: 'ok',
      decision_rules: 'ok',
      figure_stands_still: 'ok',
      interface: 'ok',
      ledger_holds_decision: 'info',
      level_in_force: 'ok',
      temporal_coherence: expect.any(String),
    },
    device: { cpu: 10, ram: 20.5 },
    ledger_size: 0,
    level: 'normal',
    shed: [],
  });
  context.ledger.failure = new AppError('ledger_unavailable', 'full');
  sampleAfter(context, snapshotMs);
  await turn();
  context.ledger.failure = undefined;
  sampleAfter(context, 1);
  await turn();
  expect(taken().length).toBe(2);
  await module.stop();
});

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test('10,000 lie in the ledger and none in memory', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-snapshots-'));
  const fake = createFakeContext({ config });
  const ledger = await openLedger({
    file: join(folder, 'ledger.sqlite'),
    bootId: 'snapshots',
    clock: fake.clock,
    queueMax: 1000,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });
  const module = sandozia();
  try {
    // Snapshots are made faster than a disk syncs: a hundred share a sync, and each is waited for.
    let pending: Promise<Receipt>[] = [];
    const append = async (event: NewEvent): Promise<Receipt> => {
      pending.push(ledger.append(event));
      return { recorded: 'durable', index: 0, leaf_hash: '' };
    };
    const context = { ...fake, ledger: { append, status: () => ledger.status() } as unknown as Ledger };
    await module.provision(context);
    const take = async (until: number) => {
      while (ledger.status().size < until) {
        while (pending.length < 100) {
          sampleAfter(fake, snapshotMs);
          await turn();
        }
        await Promise.all(pending);
        pending = [];
      }
    };
    await take(1000);
    const before = heapAfterCollection();
    await take(10_000);
    const grownBytes = heapAfterCollection() - before;
    // Nine thousand that were kept would take some ten megabytes.
    expect(grownBytes).toBeLessThan(2_000_000);
    const last = await ledger.query({ type: 'snapshot_taken', limit: 1, order: 'desc' });
    expect(last[0]).toMatchObject({ index: 9999, data: { ledger_size: expect.any(Number) } });
  } finally {
    await module.stop();
    await ledger.close();
    rmSync(folder, { recursive: true });
  }
});
