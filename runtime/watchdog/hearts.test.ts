import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { systemClock } from '../contracts/clock.js';
import { CorePool } from '../core/pool.js';
import { openLedger } from '../ledger/ledger.js';
import { Beats } from './beats.js';

test('the pool is watched while a task is out, and rests when none is, also after one that failed', async () => {
  const told: string[] = [];
  const pool = new CorePool(Core.create(), {
    threads: 1,
    onError: (error) => {
      throw error;
    },
    heart: { beat: () => told.push('beat'), rest: () => told.push('rest') },
  });
  try {
    const first = pool.ready();
    const second = pool.ready();
    expect(told).toEqual(['beat']);
    await Promise.all([first, second]);
    expect(told).toEqual(['beat', 'beat', 'rest']);
    await expect(pool.score(-1, 1)).rejects.toThrow();
    expect(told.slice(3)).toEqual(['beat', 'rest']);
  } finally {
    await pool.close();
  }
});

test('the writer of the ledger beats from the time that it is open, without any event', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'arkalia-hearts-'));
  const beats = new Beats();
  const { place } = beats.take({ part: 'ledger', silentMsMax: 1000 })!;
  try {
    const ledger = await openLedger({
      file: join(folder, 'ledger.sqlite'),
      bootId: 'boot-1',
      clock: systemClock,
      queueMax: 10,
      batchMax: 10,
      heart: place,
      onFailure: (error) => {
        throw error;
      },
    });
    const words = new Int32Array(beats.memory);
    while (beats.read().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const first = Atomics.load(words, 4);
    while (Atomics.load(words, 4) === first) await new Promise((resolve) => setTimeout(resolve, 50));
    await ledger.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});
