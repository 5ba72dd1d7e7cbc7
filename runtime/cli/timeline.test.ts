import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLedger } from '../ledger/ledger.js';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';
import { ScriptedServer } from './testing/scripted-server.js';

let folder: string;
let data: string;
const startMs = Date.UTC(2026, 2, 1, 12);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-timeline-'));
  data = join(folder, 'data');
  mkdirSync(data, { mode: 0o700 });
  const wall = { now: startMs };
  const ledger = await openLedger({
    file: join(data, 'ledger.sqlite'),
    bootId: 'test',
    clock: { wallMs: () => wall.now, monotonicMs: () => wall.now },
    queueMax: 5000,
    batchMax: 500,
    onFailure: (error) => {
      throw error;
    },
  });
  const decide = (decision: string, stream = 'device') =>
    ledger.append({
      type: 'decision_made',
      module: 'zeroia',
      stream,
      data: { decision, input: { cpu: 20 } },
    });
  await decide('normal');
  for (let hour = 0; hour < 6; hour++) {
    wall.now = startMs + hour * 3_600_000;
    if (hour === 4) {
      await ledger.append({
        type: 'degradation_changed',
        module: 'kernel',
        data: { from: 'normal', to: 'heavy', reason: 'test', shed: [] },
      });
    }
    await decide(hour === 4 ? 'reduce_load' : 'normal');
    // More than a page of them, and none of the device.
    await Promise.all(Array.from({ length: 120 }, () => decide('emergency_shutdown', 'posted:a')));
  }
  wall.now += 600_000;
  const many = Array.from({ length: 1100 }, () => decide('monitor'));
  await Promise.all(many);
  await ledger.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...argv: string[]): Promise<FakeIo & { code: number }> {
  const io = new FakeIo();
  const code = await runCli(['timeline', '--data', data, ...argv], io);
  return Object.assign(io, { code });
}

it('draws what the folder holds, in the width of the terminal, without colours', async () => {
  const { code, stdout } = await run('--hours', '6');
  expect(code).toBe(0);
  const lines = stdout.split('\n');
  expect(lines[0]).toBe('6 hours to 2026-03-01T17:10Z, 7.7 min a column, times in UTC.');
  expect(lines[2]).toMatch(/^level {8} *▅+ +worst heavy$/);
  expect(lines[3]).toMatch(/^decision {5} *·+r+m +reduce_load$/);
  expect(lines[4]).toMatch(/not told$/);
  expect(stdout).not.toContain('\u001b');
  for (const line of lines.slice(0, 8)) expect([...line].length).toBeLessThanOrEqual(80);
});

it('prints the columns as JSON, and reads page after page', async () => {
  const { code, stdout } = await run('--json', '--hours', '1');
  const { columns, column_ms, incomplete, to_ms } = JSON.parse(stdout);
  expect([code, column_ms, incomplete, to_ms]).toEqual([
    0,
    300_000,
    false,
    startMs + 5 * 3_600_000 + 600_001,
  ]);
  expect(columns).toHaveLength(12);
  expect(columns[0]).toMatchObject({ level: 'heavy', decision: 'reduce_load' });
  expect(columns.at(-1)).toMatchObject({ decision: 'monitor', cpu: 20 });
});

it('asks the server that runs on the folder, for what is drawn and no more, and colours a terminal', async () => {
  const elsewhere = mkdtempSync(join(folder, 'served-'));
  const asked: Record<string, string>[] = [];
  const toMs = Date.UTC(2026, 2, 1, 12);
  const event = { index: 9, type: 'system_stopped', time_ms: toMs, boot_id: 'a', data: {} };
  const level = { ...event, index: 3, type: 'degradation_changed', time_ms: 5, data: { to: 'survival' } };
  const server = await ScriptedServer.start(
    (seen, response) => {
      const query = Object.fromEntries(new URL(seen.path, 'http://localhost').searchParams);
      asked.push(query);
      const before = query.type === 'degradation_changed' && query.from === undefined;
      response.end(JSON.stringify({ events: query.type === undefined ? [event] : before ? [level] : [] }));
    },
    join(elsewhere, 'control.sock'),
  );
  try {
    const io = new FakeIo();
    io.terminal = { columns: 60, colours: true };
    expect(await runCli(['timeline', '--data', elsewhere, '--hours', '2'], io)).toBe(0);
    expect(io.stdout).toContain('\u001b[31m█');
    expect(io.stdout).toContain('worst survival');
  } finally {
    await server.close();
  }
  expect(asked.every(({ order }) => order === 'desc')).toBe(true);
  expect(asked).toContainEqual({
    ...{ type: 'decision_made', stream: 'device', limit: '500', order: 'desc' },
    ...{ from: `${toMs + 1 - 2 * 3_600_000}`, to: `${toMs + 1}` },
  });
  expect(asked.filter(({ from, type }) => from === undefined && type !== undefined)).toHaveLength(4);
});

it('says so where there is no ledger, and refuses a window that makes no sense', async () => {
  const io = new FakeIo();
  expect(await runCli(['timeline', '--data', join(folder, 'nowhere')], io)).toBe(1);
  expect(io.stderr).toContain('There is no ledger in');
  for (const hours of ['0', '721', 'x']) expect((await run('--hours', hours)).code).toBe(2);
});
