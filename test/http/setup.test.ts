import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';
import { refusalOf, shapeOf } from './operations.js';
import { problemOf, send, sendJson } from './raw.js';

let appliance: TestAppliance;
let url: string;
let codeFile: string;

beforeEach(async () => {
  appliance = await TestAppliance.start({ flags: ['--host', '0.0.0.0'] });
  url = appliance.url.replace('0.0.0.0', '127.0.0.1');
  codeFile = join(appliance.dataDir, 'setup-code');
});
afterEach(() => appliance.close());

const code = async () => (await readFile(codeFile, 'utf8')).trim();
const exchange = (value: string) => sendJson(url, '/setup', { code: value });
const wrong = '0000-0000-0000-0000';

describe('beyond loopback without a key', () => {
  test('only /health, the page and the exchange answer; everything else is 403 setup_required', async () => {
    expect(appliance.output.text).toMatch(/Setup mode/);
    expect(appliance.output.text).toMatch(/Warning: .*without TLS/);
    expect((await send(url, { path: '/health' })).status).toBe(200);
    // The document itself is closed too, so the list of routes comes over the socket.
    const document = await send(url, {
      socketPath: join(appliance.dataDir, 'control.sock'),
      path: '/openapi.json',
      headers: { host: 'localhost' },
    });
    const { paths } = JSON.parse(document.text) as { paths: Record<string, object> };
    expect(Object.keys(paths).length).toBeGreaterThan(15);
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods)) {
        // The page itself is open, so that it can ask for the code.
        if (['/health', '/setup', '/', '/assets/{name}'].includes(path)) continue;
        const answer = await send(url, {
          method: method.toUpperCase(),
          path: path.replace(/\{\w+\}/g, 'abc'),
          headers: { 'content-type': 'application/json' },
          ...(method === 'post' ? { body: '{}' } : {}),
        });
        expect([method, path, answer.status]).toEqual([method, path, 403]);
        expect(refusalOf(answer, shapeOf(path)).code).toBe('setup_required');
      }
  });

  test('the code lies in a 0600 file, has at least 64 random bits, and is not printed', async () => {
    expect((await stat(codeFile)).mode & 0o777).toBe(0o600);
    // 32 letters: five bits each.
    expect((await code()).replaceAll('-', '').length * 5).toBeGreaterThanOrEqual(64);
    expect(appliance.output.text).not.toContain(await code());
  });

  test('the code gives an administrator’s key once; then keys are needed, on this machine none for users', async () => {
    const used = await code();
    const answer = await exchange(used.toLowerCase().replaceAll('-', ' '));
    expect(answer.status).toBe(201);
    const { key, role } = JSON.parse(answer.text) as { key: string; role: string };
    expect(role).toBe('admin');
    expect(existsSync(codeFile)).toBe(false);
    expect((await send(url, { path: '/keys', headers: { authorization: `Bearer ${key}` } })).status).toBe(
      200,
    );
    expect((await send(url, { path: '/status' })).status).toBe(200);
    expect((await send(url, { path: '/keys' })).status).toBe(401);
    expect([(await exchange(used)).status, (await exchange(wrong)).status]).toEqual([403, 403]);
    const completed = (await send(url, { path: '/ledger/events?type=setup_completed' })).text;
    expect((JSON.parse(completed) as { events: unknown[] }).events).toHaveLength(1);
    expect(completed).not.toContain(key);
  });

  test('ten wrong tries kill the code; arkalia setup-code makes another, and the old one stays dead', async () => {
    const first = await code();
    for (let i = 0; i < 10; i++) {
      const answer = await exchange(wrong);
      expect([i, answer.status, problemOf(answer).code]).toEqual([i, 403, 'forbidden']);
    }
    expect((await exchange(first)).status).toBe(403);
    expect(existsSync(codeFile)).toBe(false);
    const { dataDir } = appliance;
    const made = await cli(['setup-code', '--data', dataDir], { cwd: dataDir });
    const second = await code();
    expect(second).not.toBe(first);
    expect([made.code, made.stdout.trim()]).toEqual([0, second.trim()]);
    expect((await exchange(first)).status).toBe(403);
    expect((await exchange(second)).status).toBe(201);
  });

  test('many tries at once get no more than ten, and two right ones at once make one key', async () => {
    const dead = await code();
    const tries = await Promise.all(Array.from({ length: 40 }, () => exchange(wrong)));
    expect(tries.every(({ status }) => status === 403)).toBe(true);
    expect((await exchange(dead)).status).toBe(403);
    const { dataDir } = appliance;
    await cli(['setup-code', '--data', dataDir], { cwd: dataDir });
    const right = await code();
    const both = await Promise.all([exchange(right), exchange(right)]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 403]);
    // There is a key now, so there is no further code.
    const late = await cli(['setup-code', '--data', dataDir], { cwd: dataDir });
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('the first key only')]);
  });

  test('a key that is made on the command line ends setup mode, and the code with it', async () => {
    const old = await code();
    const { dataDir } = appliance;
    const made = await cli(['keys', 'create', '--name', 'me', '--data', dataDir], { cwd: dataDir });
    expect(made.code).toBe(0);
    const answer = await send(url, {
      path: '/v1/models',
      headers: { authorization: `Bearer ${made.stdout.trim()}` },
    });
    expect(answer.status).toBe(200);
    expect((await exchange(old)).status).toBe(403);
    expect(existsSync(codeFile)).toBe(false);
  });
});
