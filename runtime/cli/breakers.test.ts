import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';
import { problem, ScriptedServer, type Seen } from './testing/scripted-server.js';

let data: string;
let server: ScriptedServer | undefined;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'arkalia-breakers-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(data, { recursive: true, force: true });
});

const snapshot = { name: 'ollama', state: 'open', calls: 9, failures: 5, slow: 1, openings: 2 };

async function serve(answer: (seen: Seen) => unknown): Promise<void> {
  server = await ScriptedServer.start(
    (seen, response) => response.end(JSON.stringify(answer(seen))),
    join(data, 'control.sock'),
  );
}

async function run(...argv: string[]): Promise<FakeIo & { code: number }> {
  const io = new FakeIo();
  return Object.assign(io, { code: await runCli([...argv, '--data', data], io) });
}

it('lists the breakers, harmless for the terminal', async () => {
  await serve(() => ({
    breakers: [
      { ...snapshot, retry_after_ms: 1200 },
      { ...snapshot, name: 'x\u001b[2J', state: 'closed' },
    ],
  }));
  const { code, stdout } = await run('breakers', 'list');
  expect(code).toBe(0);
  expect(stdout.split('\n')).toEqual([
    'ollama       open         5 failed and 1 slow of 9 recent calls, opened 2 times, next probe in 2 s',
    expect.stringMatching(/^x\\x1b\[2J +closed /),
    '',
  ]);
});

it.each([
  ['force-open', 'forced_open'],
  ['disable', 'disabled'],
  ['metrics-only', 'metrics_only'],
  ['reset', 'reset'],
])('%s gives the order %s', async (verb, order) => {
  await serve(() => ({ changed: true, breaker: { ...snapshot, state: order } }));
  const { code, stdout, stderr } = await run('breakers', verb, 'a/b');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(order);
  expect(server?.seen).toMatchObject([{ method: 'POST', path: '/breakers/a%2Fb', body: { order } }]);
});

it('says when nothing changed, and when there is no such breaker', async () => {
  await serve(() => ({ changed: false, breaker: snapshot }));
  expect((await run('breakers', 'disable', 'ollama')).stderr).toBe('It was so already.\n');
  await server?.close();
  server = await ScriptedServer.start(
    (_, response) => problem(response, 404, { code: 'not_found', detail: 'There are: ollama.' }),
    join(data, 'control.sock'),
  );
  const { code, stderr } = await run('breakers', 'reset', 'nope');
  expect([code, stderr]).toEqual([1, expect.stringContaining('There are: ollama.')]);
});

it('says that a server is needed', async () => {
  const { code, stderr } = await run('breakers', 'list');
  expect([code, stderr]).toEqual([1, expect.stringContaining('No server runs on this data folder')]);
});
