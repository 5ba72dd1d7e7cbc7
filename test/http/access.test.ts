import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';
import { problemOf, send, sendJson } from './raw.js';

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
/** What follows the id; it may hold underscores itself. */
const secretOf = (key: string) => key.slice(key.indexOf('_', 4) + 1);
const keyForm = /^ark_[a-z0-9]{8,32}_[A-Za-z0-9_-]{43}$/;
const name = 'the phone of Zoë';

/** Makes a key on the command line. */
async function create(dataDir: string, role: string): Promise<{ id: string; key: string }> {
  const made = await cli(['keys', 'create', '--name', name, '--role', role, '--data', dataDir], {
    cwd: dataDir,
  });
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('shown this once')]);
  const key = made.stdout.trim();
  expect(key).toMatch(keyForm);
  return { key, id: key.split('_')[1]! };
}

async function events(url: string, type: string, headers = {}) {
  const answer = await send(url, { path: `/ledger/events?type=${type}&limit=1000`, headers });
  return (JSON.parse(answer.text) as { events: { data: Record<string, unknown> }[] }).events;
}

describe('a server on loopback', () => {
  let appliance: TestAppliance;
  let url: string;
  beforeAll(async () => {
    appliance = await TestAppliance.start();
    url = appliance.url;
  });
  afterAll(() => appliance.close());

  test('without a key is for asking and reading: administration is a 401 that says what it needs', async () => {
    expect((await send(url, { path: '/status' })).status).toBe(200);
    for (const [method, path, body] of [
      ['GET', '/keys', undefined],
      ['POST', '/keys', '{"name":"x","role":"admin"}'],
      ['DELETE', '/keys/abcdefgh', undefined],
      ['POST', '/setup/code', '{}'],
    ] as const) {
      const headers = { 'content-type': 'application/json' };
      const answer = await send(url, { method, path, headers, ...(body === undefined ? {} : { body }) });
      expect([method, path, answer.status]).toEqual([method, path, 401]);
      expect(problemOf(answer)).toMatchObject({
        code: 'unauthorized',
        detail: expect.stringContaining('admin'),
      });
    }
  });

  test('what is not a key of ours is ignored, since OpenAI clients always send something', async () => {
    for (const key of ['sk-anything', 'none', 'ollama'])
      expect((await send(url, { path: '/v1/models', headers: bearer(key) })).status).toBe(200);
    expect((await send(url, { path: '/keys', headers: bearer('sk-anything') })).status).toBe(401);
  });

  test('a key of ours that is wrong is a 401 everywhere it is asked for', async () => {
    const { key } = await create(appliance.dataDir, 'user');
    const flipped = key.slice(0, -5) + (key.at(-5) === 'A' ? 'B' : 'A') + key.slice(-4);
    const unknownId = key.replace(/^ark_[a-z0-9]+/, 'ark_aaaaaaaaaa');
    for (const wrong of [flipped, unknownId, 'ark_', 'ark_x_y', `${key}x`, key.slice(0, -1)]) {
      const answer = await send(url, { path: '/status', headers: bearer(wrong) });
      expect([wrong, answer.status]).toEqual([wrong, 401]);
      if (wrong.length > 20) expect(answer.text).not.toContain(wrong.slice(4));
    }
    expect((await send(url, { path: '/v1/models', headers: bearer(key) })).status).toBe(200);
  });

  test('each role may do what is its and no more', async () => {
    const expected = { user: 403, operator: 403, admin: 200 };
    for (const [role, status] of Object.entries(expected)) {
      const { key } = await create(appliance.dataDir, role);
      const list = await send(url, { path: '/keys', headers: bearer(key) });
      expect([role, list.status]).toEqual([role, status]);
      if (status === 403)
        expect(problemOf(list)).toMatchObject({ code: 'forbidden', detail: expect.stringContaining(role) });
      const made = await sendJson(url, '/keys', { name: 'x', role: 'admin' }, bearer(key));
      expect([role, made.status]).toEqual([role, status === 200 ? 201 : 403]);
      expect((await sendJson(url, '/echo', { message: 1 }, bearer(key))).status).toBe(200);
    }
  });

  test('a revoked key is refused at once, and the ledger tells of both without the name', async () => {
    const { id, key } = await create(appliance.dataDir, 'admin');
    const listed = await cli(['keys', 'list', '--data', appliance.dataDir], { cwd: appliance.dataDir });
    expect(listed.stdout).toMatch(new RegExp(`^${id} +admin `, 'm'));
    expect(listed.stdout).toContain(name);
    expect(listed.stdout).not.toContain(secretOf(key));
    const revoked = await cli(['keys', 'revoke', id, '--data', appliance.dataDir], {
      cwd: appliance.dataDir,
    });
    expect(revoked).toMatchObject({ code: 0, stderr: `Revoked key ${id}.\n` });
    expect((await send(url, { path: '/status', headers: bearer(key) })).status).toBe(401);
    const again = await cli(['keys', 'revoke', id, '--data', appliance.dataDir], { cwd: appliance.dataDir });
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('no key with that id')]);

    const created = await events(url, 'key_created');
    expect(created.map(({ data }) => data)).toContainEqual({ id, role: 'admin', by: 'control socket' });
    expect((await events(url, 'key_revoked')).map(({ data }) => data)).toContainEqual({
      id,
      by: 'control socket',
    });
    const all = await send(url, { path: '/ledger/events?limit=1000' });
    expect(all.text).not.toContain('Zoë');
    expect(all.text).not.toContain(secretOf(key));
  });

  test('the socket in its folder is the owner’s alone and administers without a key; so are the files of secrets', async () => {
    const socketPath = join(appliance.dataDir, 'control.sock');
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    expect((await send(url, { socketPath, path: '/keys', headers: { host: 'localhost' } })).status).toBe(200);
    await create(appliance.dataDir, 'user');
    const keyFile = join(appliance.dataDir, 'keys.json');
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    const { key } = await create(appliance.dataDir, 'user');
    expect(await readFile(keyFile, 'utf8')).not.toContain(secretOf(key));
    // No page can be rebound to a socket, but the checks are the same ones.
    const foreign = await send(url, { socketPath, path: '/keys', headers: { host: 'attacker.example' } });
    expect(foreign.status).toBe(421);
  });
});

describe('without a running server', () => {
  test('keys are made, listed and revoked in the folder, recorded, and hold when the server starts', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
    try {
      const kept = await create(dataDir, 'admin');
      const gone = await create(dataDir, 'admin');
      expect((await cli(['keys', 'revoke', gone.id, '--data', dataDir], { cwd: dataDir })).code).toBe(0);
      const code = await cli(['setup-code', '--data', dataDir], { cwd: dataDir });
      expect([code.code, code.stderr]).toEqual([1, expect.stringContaining('No server runs')]);
      const appliance = await TestAppliance.start({ dataDir });
      try {
        expect((await send(appliance.url, { path: '/keys', headers: bearer(kept.key) })).status).toBe(200);
        expect((await send(appliance.url, { path: '/keys', headers: bearer(gone.key) })).status).toBe(401);
        expect(await events(appliance.url, 'key_created')).toHaveLength(2);
        expect(await events(appliance.url, 'key_revoked')).toHaveLength(1);
      } finally {
        await appliance.close();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test('ARKALIA_API_KEY_FILE registers its key once, warns of a readable file, and refuses what is no key', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
    try {
      const key = `ark_abcdefgh_${'k'.repeat(43)}`;
      const file = join(dataDir, 'admin.key');
      const env = { ARKALIA_API_KEY_FILE: file };
      await writeFile(file, `${key}\n`, { mode: 0o644 });
      for (let start = 0; start < 2; start++) {
        const appliance = await TestAppliance.start({ dataDir, env });
        try {
          expect((await send(appliance.url, { path: '/keys', headers: bearer(key) })).status).toBe(200);
          expect(await events(appliance.url, 'key_created')).toHaveLength(1);
          expect(appliance.output.text).not.toContain('kkkk');
        } finally {
          await appliance.close();
        }
        expect(appliance.output.text).toMatch(/Warning: .*admin\.key.*everyone on this machine can read/);
      }
      await writeFile(file, 'hunter2');
      const refused = await cli(['serve', '--port', '0', '--data', dataDir], { cwd: dataDir, env });
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('does not hold a key')]);
      expect(refused.stderr).not.toContain('hunter2');
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
