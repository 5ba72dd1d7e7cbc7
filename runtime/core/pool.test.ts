import { describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { CoreBreakers } from '../breaker/breakers.js';
import { configSchema } from '../config/schema.js';
import { CorePool } from './pool.js';
import { CoreScorer } from './scorer.js';

const fail = (error: unknown) => {
  throw error;
};

describe('pool', () => {
  it('opens a breaker in a thread that the main thread sees open, and the reverse', async () => {
    const core = Core.create();
    const pool = new CorePool(core, { threads: 1, onError: fail });
    try {
      await pool.ready();
      const told: string[] = [];
      const breakers = new CoreBreakers({
        core,
        config: configSchema.parse({ breaker: { open_jitter: 0 } }).breaker,
        now: () => 5000,
        random: () => 0,
        onTransition: ({ name, to }) => told.push(`${name} ${to}`),
      });

      const there = breakers.get('opened-there');
      const failures = { outcome: 'failure', times: 8, nowMs: 5000 } as const;
      expect(await pool.recordOutcomes({ slot: there.slot, ...failures })).toBe(5);
      expect(there.acquire()).toEqual({ ok: false, retryAfterMs: 10_000 });
      expect(there.snapshot()).toMatchObject({ state: 'open', calls: 5, failures: 5, openings: 1 });
      expect(told).toEqual(['opened-there open']);

      const here = breakers.get('opened-here');
      for (let permit = here.acquire(); permit.ok; permit = here.acquire())
        here.record(permit.permit, 'failure');
      expect(await pool.recordOutcomes({ slot: here.slot, ...failures })).toBe(0);
      expect(told).toEqual(['opened-there open', 'opened-here open']);
    } finally {
      await pool.close();
    }
  });

  it('rejects a task whose thread died, and the scorer loses no request', async () => {
    const core = Core.create();
    const script = new URL('./testing/dying-worker.js', import.meta.url);
    const pool = new CorePool(core, { threads: 1, onError: fail, script });
    const failures: unknown[] = [];
    const scorer = await CoreScorer.start({
      core,
      pool,
      offload: 'always',
      onPoolFailure: (e) => failures.push(e),
    });
    try {
      await pool.ready();
      await expect(pool.score(0, 1)).rejects.toThrow('worker exited with code: 7');
      for (let round = 0; round < 3; round++) {
        const pressures = await Promise.all(
          [1, 2, 3].map((cpu) =>
            scorer.score({ cpu, ram: 0, severity: 'none' }, (record) => record.pressure),
          ),
        );
        expect(pressures).toEqual([0.01, 0.02, 0.03]);
      }
      expect(failures).toHaveLength(3);
    } finally {
      await scorer.close();
    }
  });

  it('reports a thread that cannot start', async () => {
    const script = new URL('./testing/no-such-worker.js', import.meta.url);
    const pool = new CorePool(Core.create(), { threads: 1, onError: fail, script });
    await expect(pool.ready()).rejects.toThrow('no-such-worker');
    await pool.close();
  });

  it('misses threads that die while they start, and starts anew when asked', async () => {
    const core = Core.create();
    const script = new URL('./testing/stillborn-worker.js', import.meta.url);
    process.env.ARKALIA_TEST_STILLBORN = '1';
    const pool = new CorePool(core, { threads: 2, onError: () => {}, script });
    try {
      await expect(pool.ready()).rejects.toThrow();
      while (pool.missing() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      delete process.env.ARKALIA_TEST_STILLBORN;
      await pool.restart();
      expect(pool.missing()).toBe(0);
      await pool.score(0, 1);
    } finally {
      delete process.env.ARKALIA_TEST_STILLBORN;
      await pool.close();
    }
  });

  it.each([0, 65, 1.5, Number.NaN])('refuses %d threads', (threads) => {
    expect(() => new CorePool(Core.create(), { threads, onError: fail })).toThrow('core.threads must be');
  });
});
