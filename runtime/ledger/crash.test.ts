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
const rounds = process.env.ARKALIA_TEST_LONG ? 50 : 3;

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
        const ledger = await openLedger({
          file,
          bootId: 'check',
          clock: systemClock,
          queueMax: 16,
          batchMax: 16,
          onFailure: (error) => {
            throw error;
          },
        });
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
