import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';
import { ScriptedServer, type Seen } from './testing/scripted-server.js';
import { zeroia } from './zeroia.js';

let data: string;
let server: ScriptedServer | undefined;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'arkalia-zeroia-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(data, { recursive: true, force: true });
});

const cycle = (number: number, more: object = {}) => ({
  number,
  cpu: 12.34,
  ram: 40,
  temperature_c: null,
  decision: 'normal',
  confidence: 0.9,
  acted: 'normal',
  contradiction: null,
  level: 'normal',
  took_ms: 2,
  failure: null,
  ...more,
});

async function serve(answer: (seen: Seen) => unknown): Promise<void> {
  server = await ScriptedServer.start(
    (seen, response) => response.end(JSON.stringify(answer(seen))),
    join(data, 'control.sock'),
  );
}

/** A server whose loop makes two turns between two looks. */
function looping(more: (number: number) => object = () => ({})): Promise<void> {
  let newest = 7;
  return serve(() => {
    newest += 2;
    return { cycles: { last: [newest - 1, newest].map((number) => cycle(number, more(number))) } };
  });
}

const flags = () => ({ data });

it('quick shows five turns, each once, with a summary', async () => {
  await looping((number) =>
    number === 12 ? { acted: 'monitor', contradiction: 'milder_than_observed' } : {},
  );
  const io = new FakeIo();
  expect(await zeroia('quick', flags(), io, { lookMs: 1 })).toBe(0);
  const lines = io.stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(8);
  expect(lines.slice(1, 6).map((line) => line.split(' ')[0])).toEqual(['10', '11', '12', '13', '14']);
  expect(lines[3]).toContain('acted on monitor; milder_than_observed');
  expect(lines[7]).toBe('all: 5 turns, 0 failed, 1 contradictions, mean confidence 0.900, 2.0 ms a turn');
  expect(io.listening).toBe(0);
});

it('monitor makes three blocks of three and fails with a turn that failed', async () => {
  await looping((number) => (number === 15 ? { failure: 'disk \u001b[2J full', confidence: null } : {}));
  const io = new FakeIo();
  expect(await zeroia('monitor', flags(), io, { lookMs: 1 })).toBe(1);
  expect(io.stdout).toContain('block 3 of 3: 3 turns');
  expect(io.stdout).toContain('all: 9 turns, 1 failed');
  expect(io.stdout).not.toContain('\u001b');
});

it('daemon goes on until a signal', async () => {
  const io = new FakeIo();
  await looping((number) => {
    if (number === 60) io.signal('SIGINT');
    return {};
  });
  expect(await zeroia('daemon', flags(), io, { lookMs: 1 })).toBe(0);
  expect(io.stdout).toMatch(/all: 5\d turns, 0 failed/);
});

it('a loop that is silent, and a server that is not there, fail', async () => {
  await serve(() => ({ cycles: { last: [cycle(3)] } }));
  await expect(
    zeroia('quick', flags(), new FakeIo({ ARKALIA_REFLEXIA_INTERVAL_MS: '200' }), { lookMs: 300 }),
  ).rejects.toThrow('silent');
  await server?.close();
  server = undefined;
  const io = new FakeIo();
  expect(await runCli(['zeroia', 'quick', '--data', data], io)).toBe(1);
  expect(io.stderr).toContain('nothing reasons');
});

it.each([
  ['emergency_shutdown', 0],
  ['normal', 1],
])('stress puts fifty loads before it: %s always is exit code %i', async (decision, code) => {
  await serve(() => ({ decision, confidence: 0.5, recorded: 'durable' }));
  const io = new FakeIo();
  expect(await zeroia('stress', flags(), io)).toBe(code);
  expect(server!.seen).toHaveLength(50);
  expect(server!.seen.at(-1)!.body).toMatchObject({ cpu: 100, severity: 'critical' });
  expect(io.stdout).toContain('50 loops');
});
