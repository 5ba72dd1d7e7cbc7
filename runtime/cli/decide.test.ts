import { afterEach, expect, it } from 'vitest';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';
import { problem, ScriptedServer } from './testing/scripted-server.js';

const answer = {
  id: 'd-1',
  decision: 'reduce_load',
  confidence: 0.4567,
  factors: [{ name: 'system_health', score: 0.5, weight: 0.75, share: 0.375 }],
  absent: ['error_rate'],
  reasons: ['cpu_above_80'],
  model: { core_sha256: 'x', weights_version: '1' },
  recorded: 'durable',
  receipt: { recorded: 'durable', index: 7, leaf_hash: 'cd'.repeat(32) },
};

let server: ScriptedServer;
afterEach(() => server.close());

it('sends what was given and nothing else, and prints decision, factors, reasons and receipt', async () => {
  server = await ScriptedServer.start((_, response) => response.end(JSON.stringify(answer)));
  const io = new FakeIo();
  const given = [
    '--cpu',
    '85',
    '--ram',
    '70',
    '--severity',
    'high',
    '--temperature',
    '-3.5',
    '--error-rate',
    '0.1',
  ];
  expect(await runCli(['decide', ...given, '--url', `${server.url}/`], io)).toBe(0);
  expect(server.seen[0]).toMatchObject({ method: 'POST', path: '/zeroia/decisions' });
  expect(server.seen[0]?.body).toEqual({
    cpu: 85,
    ram: 70,
    severity: 'high',
    temperature_c: -3.5,
    error_rate: 0.1,
  });
  expect(io.stdout).toContain('decision    reduce_load\nconfidence  0.457\nreasons     cpu_above_80\n');
  expect(io.stdout).toMatch(/system_health +0\.500 +0\.750 +0\.375/);
  expect(io.stdout).toContain('left out, no input: error_rate');
  expect(io.stdout).toContain('event 7 of the ledger, leaf cdcd');
});

it('fails with the problem that the server names', async () => {
  server = await ScriptedServer.start((_, response) =>
    problem(response, 503, { code: 'ledger_unavailable', detail: 'The disk is full.', retry_after_ms: 100 }),
  );
  const io = new FakeIo();
  expect(await runCli(['decide', '--cpu', '1', '--ram', '1', '--url', server.url], io)).toBe(1);
  expect(io.stderr).toContain('ledger_unavailable: The disk is full.\nTry again in 1 s.');
});

it('prints nothing of an answer that is not ours', async () => {
  server = await ScriptedServer.start((_, response) => response.end('{"decision":"\\u001b[2J"}'));
  const io = new FakeIo();
  expect(await runCli(['decide', '--cpu', '1', '--ram', '1', '--url', server.url], io)).toBe(1);
  expect(io.stdout).toBe('');
});
