import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import type { NewEvent } from '../contracts/ledger.js';
import { openLedger, type SqliteLedger } from './ledger.js';

/** What eviction must keep pace with. */
const eventsPerSecond = 10_000;
const limit = 16_000_000;
const callers = 256;
const roundEvents = 4000;
const rounds = 4;

let folders: string[];
let ledgers: SqliteLedger[];

beforeEach(() => {
  folders = [];
  ledgers = [];
});

afterEach(async () => {
  for (const ledger of ledgers) await ledger.close();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

async function open(sizeLimitBytes: number): Promise<SqliteLedger> {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-pace-'));
  folders.push(folder);
  const ledger = await openLedger({
    file: join(folder, 'ledger.sqlite'),
    bootId: 'boot-1',
    clock: systemClock,
    queueMax: eventsPerSecond,
    batchMax: 1024,
    sizeLimitBytes,
    onFailure: (error) => {
      throw error;
    },
  });
  ledgers.push(ledger);
  return ledger;
}

const event: NewEvent = {
  type: 'decision_made',
  module: 'zeroia',
  stream: 's',
  data: { padding: 'x'.repeat(700) },
  texts: { context: 'what somebody typed' },
};

/** Callers who each wait for their receipt before the next event. */
async function round(ledger: SqliteLedger): Promise<{ perSecond: number; p95Ms: number }> {
  const waits: number[] = [];
  let left = roundEvents;
  const call = async () => {
    while (left > 0) {
      left--;
      const began = performance.now();
      await ledger.append(event);
      waits.push(performance.now() - began);
      expect(ledger.status().bytes).toBeLessThan(ledger.status().limit_bytes);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: callers }, call));
  const perSecond = roundEvents / ((performance.now() - began) / 1000);
  waits.sort((a, b) => a - b);
  return { perSecond, p95Ms: waits[Math.floor(waits.length * 0.95)]! };
}

// In turn with a ledger that evicts nothing, and the best of each: whatever else the machine does falls on both.
it('eviction keeps pace with 10,000 events a second, and holds up nobody who waits for a receipt', async () => {
  const roomy = await open(1_000_000_000_000);
  const full = await open(limit);
  while (full.status().minimum_index === 0) await round(full);
  const before = full.status();
  const best = { roomy: { perSecond: 0, p95Ms: Infinity }, full: { perSecond: 0, p95Ms: Infinity } };
  for (let n = 0; n < rounds; n++) {
    for (const [name, ledger] of [
      ['roomy', roomy],
      ['full', full],
    ] as const) {
      const { perSecond, p95Ms } = await round(ledger);
      best[name].perSecond = Math.max(best[name].perSecond, perSecond);
      best[name].p95Ms = Math.min(best[name].p95Ms, p95Ms);
    }
  }
  const after = full.status();
  const told = `${Math.round(best.full.perSecond)} events/s evicting, ${Math.round(best.roomy.perSecond)} with room`;
  // As much goes as comes: only the step by which the minimum index moves may lie between.
  const evicted = after.minimum_index - before.minimum_index;
  expect(evicted).toBeGreaterThan(0.8 * rounds * roundEvents);
  expect(roomy.status().minimum_index).toBe(0);
  // A machine that does not record so many without evicting cannot do it with.
  const wanted = Math.min(eventsPerSecond, best.roomy.perSecond / 3);
  expect(best.full.perSecond, told).toBeGreaterThan(wanted);
  expect(best.full.p95Ms, told).toBeLessThan(5 * best.roomy.p95Ms + 20);
  console.log(told);
}, 240_000);
