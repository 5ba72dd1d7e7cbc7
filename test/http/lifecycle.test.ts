import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { cli } from './cli.js';
import { problemOf, sendJson } from './raw.js';

interface EventView {
  index: number;
  type: string;
  data: Record<string, unknown>;
}

/** As browsers and OpenAI clients do: connections are kept for the next request. */
const keepAlive = new Agent({ keepAlive: true });
let dataDir: string;
const running: TestAppliance[] = [];
const start = async (options: Parameters<typeof TestAppliance.start>[0] = {}) => {
  const appliance = await TestAppliance.start({ dataDir, ...options });
  running.push(appliance);
  return appliance;
};

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
});
afterEach(async () => {
  keepAlive.destroy();
  for (const appliance of running.splice(0)) await appliance.end('SIGKILL');
  await rm(dataDir, { recursive: true, force: true });
});

const events = async (appliance: TestAppliance, query = '') =>
  ((await appliance.json(`/ledger/events?limit=1000${query}`)) as unknown as { events: EventView[] }).events;

/** Resolves when the server has printed the text. */
async function printed(appliance: TestAppliance, text: string): Promise<void> {
  while (!appliance.output.text.includes(text)) await once(appliance.process.stdout!, 'data');
}

/** A request whose head the server has taken (it said 100 Continue) and whose body it still waits for. */
async function begin(appliance: TestAppliance, body: string): Promise<ClientRequest> {
  const outgoing = request(`${appliance.url}/echo`, {
    method: 'POST',
    agent: keepAlive,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      expect: '100-continue',
    },
  });
  outgoing.flushHeaders();
  await once(outgoing, 'continue');
  return outgoing;
}

describe('one process owns a data folder', () => {
  test('a second server and a second owner are told who holds it, and the first goes on', async () => {
    const first = await start();
    const second = await cli(['serve', '--port', '0', '--data', dataDir], { cwd: dataDir });
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`process ${first.process.pid} `);
    expect(second.stderr).toContain(dataDir);
    expect(second.stderr).not.toMatch(/^\s+at /m);
    expect((await sendJson(first.url, '/echo', { message: 1 })).status).toBe(200);
    expect(await events(first, '&type=system_started')).toHaveLength(1);
  });

  test('after kill -9 the folder is free at once and the ledger goes on where it was', async () => {
    const first = await start();
    const before = await events(first);
    expect(await first.end('SIGKILL')).toBe(null);
    const second = await start();
    const after = await events(second);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.map(({ index }) => index)).toEqual(after.map((_, i) => i));
    expect(after.filter(({ type }) => type === 'system_stopped')).toEqual([]);
  });
});

describe('the end', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: exit 0, and a restart finds how it ended',
    async (signal) => {
      const first = await start();
      await sendJson(first.url, '/zeroia/decisions', { cpu: 1, ram: 1, severity: 'none' });
      expect(await first.end(signal)).toBe(0);
      const second = await start();
      const found = await events(second);
      const types = found.map(({ type }) => type);
      const stopped = types.indexOf('system_stopped');
      expect(found[stopped]!.data).toEqual({ reason: signal });
      expect(types.slice(0, stopped)).toContain('decision_made');
      expect(types[stopped + 1]).toBe('system_started');
      expect(found.map(({ index }) => index)).toEqual(found.map((_, i) => i));
    },
  );

  test('what runs may finish; nothing new is accepted, and no idle connection is waited for', async () => {
    const appliance = await start({
      env: { ARKALIA_HTTP_KEEP_ALIVE_TIMEOUT_MS: '3600000', ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '600000' },
    });
    const body = '{"message":"late"}';
    const outgoing = await begin(appliance, body);
    const exited = appliance.end('SIGTERM');
    await printed(appliance, 'Stopping (SIGTERM)');
    // Until the door is really closed a connection may still be taken, and answered or cut.
    const ask = () => sendJson(appliance.url, '/echo', { message: 1 }).catch((error) => error.code);
    while ((await ask()) !== 'ECONNREFUSED');
    outgoing.end(body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const text = (await incoming.setEncoding('utf8').toArray()).join('');
    expect([incoming.statusCode, text]).toEqual([200, '{"message":"late"}']);
    expect(await exited).toBe(0);
  });

  test('what does not finish in time is cancelled with a typed error, and the exit is still 0', async () => {
    const upstream = await ScriptedUpstream.start({ as: 'openai' });
    try {
      upstream.always({ kind: 'stall' });
      const appliance = await start({
        env: { ARKALIA_ENGINES_OPENAI_URL: upstream.url, ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '200' },
      });
      const answer = sendJson(appliance.url, '/chat', { message: 'hello', model: 'scripted-model' });
      while (upstream.prompts.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await appliance.end('SIGTERM')).toBe(0);
      const { status, text, headers } = await answer;
      expect(status).toBe(503);
      expect(problemOf({ status, text, headers }).code).toBe('shutting_down');
    } finally {
      await upstream.close();
    }
  });

  test('a second signal ends it at once, and the next start is clean', async () => {
    const appliance = await start();
    const outgoing = await begin(appliance, '{"message":1}');
    const broken = once(outgoing, 'error');
    const exited = appliance.end('SIGTERM');
    await printed(appliance, 'Stopping (SIGTERM)');
    appliance.process.kill('SIGTERM');
    expect(await exited).toBe(1);
    await broken;
    const next = await start();
    expect((await sendJson(next.url, '/echo', { message: 1 })).status).toBe(200);
  });
});

describe('a start that cannot be', () => {
  test('a taken port is named with what to do, and the folder is given back', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    try {
      const refused = await cli(['serve', '--port', String(port), '--data', dataDir], { cwd: dataDir });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken.*--port`));
      expect(refused.stderr).not.toMatch(/^\s+at /m);
    } finally {
      holder.close();
    }
    expect((await start()).url).toContain('127.0.0.1');
  });

  test('an address that is not ours, and a data folder that is a file', async () => {
    const away = await cli(['serve', '--port', '0', '--host', '192.0.2.1', '--data', dataDir], {
      cwd: dataDir,
    });
    expect([away.code, away.stderr]).toEqual([1, expect.stringMatching(/192\.0\.2\.1 is not an address/)]);
    const file = await cli(['serve', '--port', '0', '--data', process.execPath], { cwd: dataDir });
    expect([file.code, file.stderr]).toEqual([1, expect.stringMatching(/data folder cannot be used/)]);
  });
});
