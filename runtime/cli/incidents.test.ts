import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';
import { ScriptedServer } from './testing/scripted-server.js';

let data: string;
let server: ScriptedServer | undefined;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'arkalia-incidents-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(data, { recursive: true, force: true });
});

const incident = {
  id: 'inc-00000001',
  check: 'module_failed',
  target: 'x\u001b[2J',
  class: 'permanent',
  problem: 'It fails.',
  tried: ['restart'],
  opened_ms: 0,
  cleared_ms: null,
  closed_ms: null,
  acknowledged_ms: null,
  acknowledged_by: null,
  closed_by: null,
};

/** Answers /status with these modules, and all else with the answer. */
async function runWith(status: object, answer: unknown, ...argv: string[]) {
  server = await ScriptedServer.start(
    ({ path }, response) =>
      response.end(JSON.stringify(path === '/status' ? { modules: {}, ...status } : answer)),
    join(data, 'control.sock'),
  );
  const io = new FakeIo();
  return Object.assign(io, { code: await runCli(['incidents', ...argv, '--data', data], io) });
}

const run = (answer: unknown, ...argv: string[]) => runWith({}, answer, ...argv);

it('tells what was undone of what modules have learned', async () => {
  const why = 'the incident inc-1 was\u001b[2J opened';
  const undone = [{ version: 'aaa', back_to: 'bbb', why, at_ms: 0 }];
  const { code, stdout } = await runWith(
    { states: [{ name: 'zeroia.thresholds', undone }] },
    { incidents: [] },
  );
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /zeroia\.thresholds aaa was undone 1970-01-01T00:00:00Z, back to bbb: the incident inc-1 was\S* opened/,
  );
  expect(stdout).not.toContain('\u001b');
});

it('names the modules in quarantine, why and for how long', async () => {
  const held = {
    module: 'zeroia',
    check: 'decision_rules',
    fault: 'milder\u001b[2J',
    since_ms: 0,
    duration_ms: 120_000,
    retries: 1,
  };
  const sandozia = { state: 'degraded', facts: { interface: 'ok', quarantined: [held] } };
  const { code, stdout } = await runWith({ modules: { sandozia } }, { incidents: [] });
  expect(code).toBe(0);
  expect(stdout).toContain(
    'zeroia is in quarantine since 1970-01-01T00:00:00Z for 120 s, prolonged once: decision_rules found milder',
  );
  expect(stdout).not.toContain('\u001b');
});

it('lists the open ones with what was tried, harmless for the terminal', async () => {
  const closed = { ...incident, id: 'inc-2', closed_ms: 5, closed_by: 'ada' };
  const { code, stdout } = await run({ incidents: [incident, closed] });
  expect(code).toBe(0);
  expect(stdout).toContain('inc-00000001  1970-01-01T00:00:00Z  OPEN  module_failed on x');
  expect(stdout).toContain('tried: restart');
  expect(stdout).not.toContain('\u001b');
  expect(stdout).not.toContain('inc-2');
});

it('says when there is none', async () => {
  expect((await run({ incidents: [] }, 'list', '--all')).stdout).toBe('There is no incident.\n');
});

it('closes one by its id and warns when the fault is still there', async () => {
  const { code, stdout, stderr } = await run({ ...incident, closed_ms: 5 }, 'close', 'inc-00000001');
  expect(code).toBe(0);
  expect(stdout).toContain('is closed');
  expect(stderr).toContain('another one is opened');
  expect(server!.seen[0]).toMatchObject({ method: 'POST', path: '/incidents/inc-00000001/close' });
});

const taken = { ...incident, acknowledged_ms: 3, acknowledged_by: 'ada' };

it('takes one on by its id', async () => {
  const { code, stdout } = await run(taken, 'acknowledge', 'inc-00000001');
  expect([code, stdout]).toEqual([0, 'inc-00000001 is taken on by ada.\n']);
  expect(server!.seen[0]).toMatchObject({ method: 'POST', path: '/incidents/inc-00000001/acknowledge' });
});

it('shows who took one on', async () => {
  expect((await run({ incidents: [taken] })).stdout).toContain('OPEN, taken on by ada');
});
