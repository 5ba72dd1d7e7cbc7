import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { analyticsAnswer } from '../contracts/analytics.js';
import { openLedger } from '../ledger/ledger.js';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';

let folder: string;
let data: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-analyze-'));
  data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const wall = { now: Date.UTC(2026, 2, 1, 12) };
  const ledger = await openLedger({
    file: join(data, 'ledger.sqlite'),
    bootId: 'test',
    clock: { wallMs: () => wall.now, monotonicMs: () => wall.now },
    queueMax: 1000,
    batchMax: 100,
    onFailure: (error) => {
      throw error;
    },
  });
  for (let hour = 0; hour < 20; hour++) {
    for (const decision of ['normal', hour === 5 ? 'reduce_load' : 'monitor']) {
      await ledger.append({ type: 'decision_made', module: 'zeroia', stream: 'device', data: { decision } });
      wall.now += 60_000;
    }
    wall.now += 58 * 60_000;
  }
  const errors = Array.from({ length: 9 }, () =>
    ledger.append({ type: 'system_error', module: 'kernel', data: { name: 'Error' } }),
  );
  await Promise.all(errors);
  await ledger.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...argv: string[]): Promise<FakeIo & { code: number }> {
  const io = new FakeIo();
  const code = await runCli(['analyze', '--data', data, ...argv], io);
  return Object.assign(io, { code });
}

it('prints tables: counts, how decisions follow each other, and what is unusual', async () => {
  const { code, stdout } = await run('--hours', '2');
  const lines = stdout.split('\n');
  expect(code).toBe(0);
  expect(lines[0]).toBe('49 events; 2 hours with events from 2026-03-02T07:00Z to 2026-03-02T09:00Z.');
  expect(lines[1]).toBe('By the log alone: level normal; breakers: none has ever moved.');
  expect(stdout).toMatch(/^decision_made {5,}2 +1\.0$/m);
  expect(stdout).toMatch(/^system_errors +9\.00 +0\.00 +9\.0 +2026-03-02T08:00Z$/m);
});

it('prints the same as JSON', async () => {
  const { code, stdout } = await run('--json', '--hours', '720');
  const figures = analyticsAnswer.parse(JSON.parse(stdout));
  expect(code).toBe(0);
  expect(figures.decisions.counts).toEqual({
    normal: 20,
    monitor: 19,
    reduce_load: 1,
    emergency_shutdown: 0,
  });
  expect(figures.decisions.transitions.normal).toMatchObject({ monitor: 19, reduce_load: 1, normal: 0 });
  expect(figures.baseline.state).toBe('learning');
});

it('says so where there is no ledger, and refuses a window that makes no sense', async () => {
  const io = new FakeIo();
  expect(await runCli(['analyze', '--data', join(folder, 'nowhere')], io)).toBe(1);
  expect(io.stderr).toContain('There is no ledger in');
  for (const hours of ['0', '721', 'x']) expect((await run('--hours', hours)).code).toBe(2);
});
