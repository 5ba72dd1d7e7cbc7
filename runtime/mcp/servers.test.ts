import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPromptRunner } from '../../sandbox/index.js';
import { levelsToTest } from '../../test/support/levels.js';
import { sandboxOptions } from '../../test/support/sandbox-options.js';
import type { Config } from '../config/schema.js';
import { AppError } from '../contracts/errors.js';
import { createMcpServers } from './servers.js';

const levels = await levelsToTest();
const file = (name: string) => fileURLToPath(new URL(`../../test/mcp/${name}.fixture.js`, import.meta.url));
/** The checkout, which holds the fixtures and their packages. */
const root = dirname(dirname(dirname(dirname(file('honest-server')))));
const signal = new AbortController().signal;
const text = (name: string) => ({ text: name });

type ServerConfig = Config['mcp']['servers'][string];

function configured(script: string, args: string[], changes: Partial<ServerConfig> = {}): ServerConfig {
  return {
    command: process.execPath,
    args: [file(script), ...args],
    folders: [root],
    env: [],
    hosts: [],
    start_ms: 20_000,
    call_ms: 20_000,
    memory_bytes: 536_870_912,
    line_bytes_max: 100_000,
    ...changes,
  };
}

describe.each(levels)('MCP servers at level %s', (level) => {
  const sandbox = createPromptRunner(
    sandboxOptions({ sandbox: { workers: 1 }, internal: { levels: [level] } }),
  );
  let shared: string;
  let secret: string;
  let listener: Server;
  beforeAll(async () => {
    await sandbox.start();
    shared = mkdtempSync(join(tmpdir(), 'arkalia-mcp-shared-'));
    secret = mkdtempSync(join(tmpdir(), 'arkalia-mcp-secret-'));
    writeFileSync(join(shared, 'note'), 'a note');
    writeFileSync(join(secret, 'note'), 'a secret');
    // Whoever the server runs as inside may read both, and write, so that only the sandbox stands between.
    for (const folder of [shared, secret]) chmodSync(folder, 0o777);
    listener = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(listener, 'listening');
  });
  afterAll(async () => {
    await sandbox.close();
    listener.close();
    for (const folder of [shared, secret]) rmSync(folder, { recursive: true, force: true });
  });

  function serversOf(servers: Record<string, ServerConfig>) {
    const events: string[] = [];
    const time = { nowMs: 0 };
    const all = createMcpServers({
      servers,
      env: { LISTED: 'yes', UNLISTED: 'no' },
      start: (spec, listen) => sandbox.startToolServer(spec, listen),
      nowMs: () => time.nowMs,
      version: '1',
      onProblem: (error) => events.push(error.message),
      record: ({ data }) => {
        const { server, change, why } = data as Record<string, string>;
        events.push(`${server} ${change} ${why}`);
      },
    });
    return { all, events, time };
  }

  it('a real server is started when it is needed, once, and says what it can', async () => {
    const { all, events } = serversOf({ honest: configured('honest-server', []) });
    expect(all.status().honest).toEqual({ state: 'idle', starts: 0 });
    const [one, two] = await Promise.all([all.tools('honest'), all.tools('honest')]);
    expect(one.map(({ name }) => name)).toEqual([
      'echo',
      'environment',
      'read',
      'write',
      'dial',
      'poisoned',
      'ask',
    ]);
    expect(two).toEqual(one);
    const call = { tool: 'echo', args: text('là') };
    expect(await all.call('honest', call, { signal, timeoutMs: 9000 })).toEqual({
      outcome: 'ok',
      text: 'là',
    });
    const wrong = await all.call('honest', { tool: 'echo', args: {} }, { signal, timeoutMs: 9000 });
    expect(wrong.outcome).toBe('error');
    expect(all.status().honest).toEqual({ state: 'ready', starts: 1 });
    expect(events).toEqual(['honest started 7 tools']);
  });

  it('it sees the listed variables, folders and nothing else, and no network', async () => {
    const { all } = serversOf({
      reader: configured('honest-server', [], { folders: [root, shared], env: ['LISTED', 'ABSENT'] }),
      writer: configured('honest-server', [], { folders: [root, `${shared}:rw`] }),
    });
    const said = async (server: string, tool: string, args: object = {}) =>
      (await all.call(server, { tool, args }, { signal, timeoutMs: 15_000 })).text;
    const names = (await said('reader', 'environment')).split(',');
    expect(names).toContain('LISTED');
    expect(names).not.toContain('UNLISTED');
    expect(names).not.toContain('ABSENT');
    expect(await said('reader', 'read', { path: join(shared, 'note') })).toBe('a note');
    expect(await said('writer', 'write', { path: join(shared, 'made') })).toBe('written');
    expect(readFileSync(join(shared, 'made'), 'utf8')).toBe('written');
    const { port } = listener.address() as AddressInfo;
    if (level !== 'strict') {
      // What is not held at this level, said in the documentation.
      expect(await said('reader', 'read', { path: join(secret, 'note') })).toBe('a secret');
      expect(await said('reader', 'dial', { port })).toBe('connected');
      return;
    }
    expect(await said('reader', 'write', { path: join(shared, 'made') })).toBe('failed: EROFS');
    expect(await said('reader', 'read', { path: join(secret, 'note') })).toBe('failed: ENOENT');
    for (const path of ['/etc/shadow', '/root/.profile', '/proc/1/environ'])
      expect(await said('reader', 'read', { path })).toMatch(/^failed: /);
    expect(await said('reader', 'write', { path: '/usr/made' })).toBe('failed: EROFS');
    expect(await said('reader', 'dial', { port })).toMatch(/^failed: /);
  });

  it.runIf(level === 'strict')(
    'one that may ask a host reaches it through a proxy, and no other',
    async () => {
      const page = http.createServer((_request, response) => response.end('a page')).listen(0, '127.0.0.1');
      await once(page, 'listening');
      const { port } = page.address() as AddressInfo;
      const { all } = serversOf({
        asking: configured('honest-server', [], { hosts: [`127.0.0.1:${port}`] }),
      });
      try {
        const said = async (tool: string, args: object) =>
          (await all.call('asking', { tool, args }, { signal, timeoutMs: 15_000 })).text;
        expect(await said('ask', { url: `http://127.0.0.1:${port}/` })).toBe('a page');
        expect(await said('ask', { url: `http://localhost:${port}/` })).toContain('not among the hosts');
        const other = (listener.address() as AddressInfo).port;
        expect(await said('ask', { url: `http://127.0.0.1:${other}/` })).toContain('not among the hosts');
        expect(await said('dial', { port })).toMatch(/^failed: /);
      } finally {
        all.close();
        page.closeAllConnections();
        page.close();
        await once(page, 'close');
      }
    },
  );

  it.each([
    ['garbage', 'garbage', {}],
    ['shape', 'garbage', {}],
    ['long', 'said_too_much', {}],
    ['flood', 'said_too_much', {}],
    ['die', 'left', {}],
    ['hang', 'deadline', { call_ms: 1000 }],
    ['grow', 'out_of_memory', { memory_bytes: 268_435_456 }],
  ])('one that does %s ends with %s, and is given a rest', async (how, outcome, changes) => {
    const { all, events, time } = serversOf({ bad: configured('hostile-server', [how], changes) });
    expect((await all.tools('bad')).map(({ name }) => name)).toEqual(['act']);
    const call = () => all.call('bad', { tool: 'act', args: {} }, { signal, timeoutMs: 20_000 });
    expect((await call()).outcome).toBe(outcome);
    // A shape is noticed before the process has gone.
    while (all.status().bad?.state !== 'resting') await new Promise((resolve) => setTimeout(resolve, 10));
    expect(events.at(-1)).toBe(`bad ended ${outcome}`);
    expect((await call()).outcome).toBe('resting');
    await expect(all.tools('bad')).rejects.toMatchObject({ code: 'sandbox_failed', retryAfterMs: 1000 });
    time.nowMs = 1000;
    expect(await all.tools('bad')).toHaveLength(1);
    expect(all.status().bad).toEqual({ state: 'ready', starts: 2 });
  });

  it.each(['mute', 'leave', 'list'])(
    'one that is %s at the start is refused, and rests longer each time',
    async (how) => {
      const { all, time } = serversOf({ bad: configured('hostile-server', [how], { start_ms: 3000 }) });
      for (const restMs of [1000, 2000]) {
        await expect(all.tools('bad')).rejects.toBeInstanceOf(AppError);
        while (all.status().bad?.state !== 'resting') await new Promise((resolve) => setTimeout(resolve, 10));
        await expect(all.tools('bad')).rejects.toMatchObject({ retryAfterMs: restMs });
        time.nowMs += restMs;
      }
    },
  );

  it('a list without end ends, and what a server asks of us is refused', async () => {
    const { all } = serversOf({
      pages: configured('hostile-server', ['pages']),
      ask: configured('hostile-server', ['ask']),
    });
    expect(await all.tools('pages')).toHaveLength(16);
    expect(await all.call('ask', { tool: 'act', args: {} }, { signal, timeoutMs: 9000 })).toEqual({
      outcome: 'ok',
      text: '[image]\ndone',
    });
  });

  it('whoever gives up leaves the server as it is', async () => {
    const { all } = serversOf({ bad: configured('hostile-server', ['hang']) });
    await all.tools('bad');
    const going = new AbortController();
    const asked = all.call('bad', { tool: 'act', args: {} }, { signal: going.signal, timeoutMs: 9000 });
    setTimeout(() => going.abort(), 50);
    expect((await asked).outcome).toBe('aborted');
    expect(all.status().bad?.state).toBe('ready');
  });

  it('a program or a folder that is not there is told', async () => {
    const { all } = serversOf({
      none: configured('honest-server', [], { command: 'no-such-program' }),
      ...(level === 'strict'
        ? { gone: configured('honest-server', [], { folders: ['/no/such/folder'] }) }
        : {}),
    });
    for (const name of all.names())
      await expect(all.tools(name)).rejects.toMatchObject({
        message: expect.stringMatching(/there is no (program|folder)/),
      });
  });
});
