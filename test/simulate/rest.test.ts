import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { seeded } from '../../runtime/guard/training/random.js';
import { hasShim } from '../ledger-faults/shim.js';
import type { Habit } from './device.js';
import { budget, restDay } from './rest.js';
import { restingHabits } from './resting.js';
import { simulate } from './simulate.js';

vi.setConfig({ testTimeout: 600_000 });

const hourMs = 3_600_000;

describe.skipIf(!hasShim)('what a device at rest writes to its card', () => {
  test('is within the budget', async () => {
    // So long that the write-ahead log is copied back: those pages count twice.
    const hours = 24;
    const { events, disk, ioBytes } = await restDay({ seed: 4, hours });
    // What did not happen proves nothing: a decision and a snapshot each five minutes.
    expect(events.decision_made).toBeGreaterThan(hours * 10);
    expect(events.snapshot_taken).toBeGreaterThan(hours * 10);
    const { syncs, syncsWorstHour, bytes } = disk!;
    expect(syncs).toBeGreaterThan(hours * 10);
    expect(syncsWorstHour).toBeLessThanOrEqual(budget.syncsPerHour);
    const bytesMax = (budget.bytesPerDay / 24) * hours;
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThanOrEqual(bytesMax);
    expect(ioBytes ?? 0).toBeLessThanOrEqual(bytesMax);
  });

  test('is seen to exceed it where each decision is recorded', async () => {
    const { disk } = await restDay({ seed: 4, hours: 1, settings: { zeroia: { record_interval_ms: 0 } } });
    expect(disk!.syncsWorstHour).toBeGreaterThan(budget.syncsPerHour);
    expect(disk!.bytes).toBeGreaterThan(budget.bytesPerDay / 24);
  });
});

test('a folder that is given stays, and the run does the same as without', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-rest-'));
  try {
    const rest = { seed: 5, hours: 1, atRest: true };
    const kept = await simulate({ ...rest, folder });
    expect(kept.violation).toBeUndefined();
    expect(kept.counts.requests).toBe(0);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['ledger.sqlite', 'log-last.json']));
    expect((await simulate(rest)).digest).toBe(kept.digest);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('the habits of a device that is left alone', () => {
  const every = (stepMs: number, seed: number, days = 2) => {
    const habits = restingHabits(seeded(seed));
    const seen: Habit[] = [];
    for (let atMs = 0; atMs < days * 24 * hourMs; atMs += stepMs) seen.push(habits(atMs));
    return seen;
  };

  test('are the same for a seed, however often they are asked for', () => {
    const often = every(1000, 1);
    expect(every(60_000, 1)).toEqual(often.filter((_, second) => second % 60 === 0));
    expect(every(60_000, 2)).not.toEqual(every(60_000, 1));
  });

  test.each([1, 2, 3, 4, 5])(
    'are those of a device with seed %i: mostly idle, busy now and then, warmer by day',
    (seed) => {
      const seen = every(5000, seed);
      const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
      expect(median(seen.map(({ load }) => load))).toBeLessThan(0.08);
      expect(seen.filter(({ load }) => load > 0.25).length).toBeGreaterThan(20);
      for (const { load, memory, roomC, loopDelayMs } of seen) {
        expect(load > 0 && load < 1 && memory > 0.1 && memory < 0.6).toBe(true);
        expect(roomC > 5 && roomC < 40 && loopDelayMs >= 0).toBe(true);
      }
      const hour = (from: number) =>
        seen.filter((_, slot) => Math.floor(slot / 720) % 24 === from).map(({ roomC }) => roomC);
      expect(median(hour(17))).toBeGreaterThan(median(hour(5)));
    },
  );
});
