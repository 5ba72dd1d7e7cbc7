import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import { Database } from '../contracts/sqlite.js';
import { leafHash } from './leaf.js';
import { openLedger } from './ledger.js';
import { parseVerifierKey } from './tlog/note-key.js';
import { verifyLog } from './tlog/verify-log.js';

const script = fileURLToPath(new URL('./crash.fixture.js', import.meta.url));
const long = process.env.ARKALIA_TEST_LONG !== undefined;
const rounds = long ? 50 : 3;

const opening = (file: string) =>
  openLedger({
    file,
    bootId: 'check',
    clock: systemClock,
    queueMax: 100_000,
    batchMax: 4096,
    sizeLimitBytes: 1_000_000_000,
    onFailure: (error) => {
      throw error;
    },
  });

/** xorshift32: enough to pick a moment, and repeatable from the printed seed. */
function pick(seed: number, max: number): number {
  let x = seed | 0;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  return (x >>> 0) % max;
}

/** Runs the child until it has acknowledged some events, kills it, and returns every receipt that it printed whole. */
async function runAndKill(file: string, round: number, seed: number): Promise<Map<number, string>> {
  const child = spawn(process.execPath, [script, file, `boot-${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const receipts = new Map<number, string>();
  const killAfter = 1 + pick(seed, 3000);
  for await (const line of createInterface({ input: child.stdout })) {
    const match = /^(\d+) ([0-9a-f]{64})$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) receipts.set(Number(match[1]), match[2]);
    if (receipts.size === killAfter) child.kill('SIGKILL');
  }
  const [, signal] = (await closed) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  expect(receipts.size).toBeGreaterThanOrEqual(killAfter);
  return receipts;
}

it(
  'after kill -9 every acknowledged event is there and every hash recomputes',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-crash-'));
    const file = join(folder, 'ledger.sqlite');
    const acknowledged = new Map<number, string>();
    try {
      for (let round = 0; round < rounds; round++) {
        const seed = Number(process.env.ARKALIA_TEST_SEED ?? Date.now() % 1_000_000) + round;
        console.log(`kill -9, round ${round}, seed ${seed}`);
        for (const [index, hash] of await runAndKill(file, round, seed)) {
          expect(acknowledged.has(index)).toBe(false);
          acknowledged.set(index, hash);
        }
        const ledger = await opening(file);
        const { size } = ledger.status();
        await ledger.close();
        const db = new Database(file, { readonly: true });
        let expected = 0;
        for (const row of db
          .prepare('SELECT "index", leaf, leaf_hash AS hash FROM events ORDER BY "index"')
          .iterate()) {
          const { index, leaf, hash } = row as { index: number; leaf: Buffer; hash: Buffer };
          if (index !== expected || leafHash(leaf) !== hash.toString('hex'))
            throw new Error(`event ${expected} is broken`);
          const receipt = acknowledged.get(index);
          if (receipt !== undefined && receipt !== hash.toString('hex'))
            throw new Error(`receipt ${index} does not fit`);
          expected++;
        }
        const orphans = db
          .prepare(
            'SELECT count(*) FROM events WHERE NOT EXISTS (SELECT 1 FROM texts WHERE event_index = "index")',
          )
          .pluck()
          .get();
        const log = verifyLog(db, parseVerifierKey(ledger.log.verifierKey));
        db.close();
        expect(log).toMatchObject({ size, vouched: size, faults: [] });
        expect(size).toBe(expected);
        expect(Math.max(...acknowledged.keys())).toBeLessThan(size);
        expect(orphans).toBe(0);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  rounds * 20_000,
);

/** Of a restart that is waited for: less than this with a million events, in a long run. */
const restartMsMax = 2000;

it(
  `starts again after kill -9 with ${long ? 'a million' : '50,000'} events, and has every acknowledged one`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-crash-'));
    const file = join(folder, 'ledger.sqlite');
    const events = long ? 1_000_000 : 50_000;
    const tookMs: number[] = [];
    try {
      const filled = await opening(file);
      for (let from = 0; from < events; from += 10_000) {
        const data = Array.from({ length: 10_000 }, (_, n) => ({ n: from + n }));
        await Promise.all(
          data.map((one) =>
            filled.append({ type: 'decision_made', module: 'zeroia', stream: 's', data: one }),
          ),
        );
      }
      await filled.close();
      for (let round = 0; round < 3; round++) {
        const seed = Number(process.env.ARKALIA_TEST_SEED ?? Date.now() % 1_000_000) + round;
        const acknowledged = await runAndKill(file, round, seed);
        const began = performance.now();
        const ledger = await opening(file);
        tookMs.push(Math.round(performance.now() - began));
        console.log(
          `kill -9 with ${ledger.status().size} events, seed ${seed}: open after ${tookMs.at(-1)} ms`,
        );
        for (const [index, hash] of acknowledged) {
          const [event] = await ledger.query({ since: index, until: index, limit: 1, order: 'asc' });
          expect([index, event?.leaf_hash]).toEqual([index, hash]);
        }
        expect(ledger.status()).toMatchObject({ minimum_index: 0 });
        expect(ledger.status().size).toBeGreaterThan(events);
        await ledger.close();
      }
      // The best of three: a machine that stands still for a while says nothing about the ledger.
      if (long) expect(Math.min(...tookMs)).toBeLessThan(restartMsMax);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  long ? 600_000 : 120_000,
);
