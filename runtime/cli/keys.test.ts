import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { openLedger } from '../ledger/ledger.js';
import { beginEpoch } from '../ledger/tlog/identity.js';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';
import { problem, ScriptedServer } from './testing/scripted-server.js';

let folder: string;
let data: string;
let server: ScriptedServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-keys-'));
  data = join(folder, 'data');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function run(...argv: string[]): Promise<FakeIo & { code: number }> {
  const io = new FakeIo();
  const code = await runCli([...argv, '--data', data], io);
  return Object.assign(io, { code });
}

async function recorded(): Promise<string[]> {
  const ledger = await openLedger({
    file: join(data, 'ledger.sqlite'),
    bootId: 'test',
    clock: systemClock,
    queueMax: 100,
    batchMax: 10,
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    return (await ledger.query({ limit: 100, order: 'asc' })).map(({ type }) => type);
  } finally {
    await ledger.close();
  }
}

describe('without a server', () => {
  it('makes, lists and revokes a key, each recorded; the key alone is on standard output', async () => {
    const made = await run('keys', 'create', '--name', 'Ada', '--role', 'operator');
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/^ark_[a-z0-9]+_[A-Za-z0-9_-]{43}\n$/);
    expect(statSync(join(data, 'keys.json')).mode & 0o777).toBe(0o600);
    const id = made.stdout.split('_')[1] ?? '';
    const listed = await run('keys', 'list');
    expect(listed.stdout).toMatch(new RegExp(`^${id} +operator +\\S+Z  Ada\n$`));
    expect(listed.stdout).not.toContain(made.stdout.trim());
    expect((await run('keys', 'revoke', id)).code).toBe(0);
    expect((await run('keys', 'list')).stdout).toBe('');
    expect(await recorded()).toEqual(['key_created', 'key_revoked']);
  });

  it('narrows a key by what is asked for, shows it, and tells what it did', async () => {
    const limits = ['--scope', 'chat', 'read', '--rate', '60', '--tokens-per-day', '5000'];
    const more = ['--models', 'arkalia', '--expires', '2999-01-31'];
    const made = await run('keys', 'create', 'Bob', '--role', 'operator', ...limits, ...more);
    expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('shown this once')]);
    const { stdout } = await run('keys', 'list');
    expect(stdout).toContain(
      'Bob  (scopes chat,read; models arkalia; 60 requests/min; 5000 tokens/day; until 2999-01-31T00:00:00Z)',
    );
    expect((await run('keys', 'usage')).stdout).toMatch(/Bob: not used/);
    expect((await run('keys', 'list')).stdout).toBe(stdout);
  });

  it.each([
    [['--role', 'user', '--scope', 'read'], '--scope: the scope read is for keys with the role operator'],
    [['--scope', 'everything'], '--scope:'],
    [['--role', 'root'], '--role must be one of'],
    [['--rate', '0'], '--rate:'],
    [['--rate', 'x'], '--rate:'],
    [['--tokens-per-day', '1.5'], '--tokens-per-day:'],
    [['--expires', '2001-01-01'], '--expires is a time to come'],
    [['--expires', 'soon'], '--expires is a time to come'],
    [['--expires', '0d'], '--expires is a time to come'],
    [['--name', 'y'], 'Give the name once'],
  ])('refuses %j, and makes nothing', async (flags, why) => {
    const { code, stderr } = await run('keys', 'create', 'x', ...flags);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
    expect((await run('keys', 'list')).stdout).toBe('');
  });

  it('says that there is no such key', async () => {
    const { code, stderr } = await run('keys', 'revoke', 'nope');
    expect(code).toBe(1);
    expect(stderr).toContain('no key with the id nope');
  });

  it('begins a new epoch with a new key, and both ledgers verify with theirs', async () => {
    expect((await run('keys', 'rotate-log')).stderr).toContain('no ledger');
    await run('keys', 'create', '--name', 'x');
    const old = (await run('keys', 'show-verifier')).stdout.trim();
    const rotated = await run('keys', 'rotate-log');
    expect([rotated.code, rotated.stderr]).toEqual([0, expect.stringContaining(old)]);
    const now = rotated.stdout.trim();
    expect((await run('keys', 'show-verifier')).stdout.trim()).toBe(now);
    const [device, epoch] = (old.split('+')[0] ?? '').split('/');
    expect(now.split('+')[0]).toBe(`${device}/${Number(epoch) + 1}`);
    expect(now.split('+')[2]).not.toBe(old.split('+')[2]);
    expect(await recorded()).toEqual(['epoch_started']);
    expect((await run('verify', '--verifier', now)).code).toBe(0);
    const aside = join(data, 'ledger.epoch-1.sqlite');
    expect((await run('verify', '--ledger', aside, '--verifier', old)).code).toBe(0);
    expect((await run('verify', '--ledger', aside, '--verifier', now)).code).toBe(1);
    // What the last checkpoint says, the new log holds.
    expect((await run('keys', 'rotate-log')).code).toBe(0);
    expect(existsSync(join(data, 'ledger.epoch-2.sqlite'))).toBe(true);
  });

  it('works beside the socket of a server that was killed', async () => {
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(join(data, 'control.sock'), '');
    expect((await run('keys', 'create', '--name', 'x')).code).toBe(0);
  });

  it('says who holds the folder when there is no socket but a lock, and changes nothing', async () => {
    const held = await openDataFolder(data, { address: 'a test', version: '0', clock: systemClock });
    try {
      const { code, stdout, stderr } = await run('keys', 'create', '--name', 'x');
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(`held by process ${process.pid}`);
      expect(stderr).toContain('a test');
    } finally {
      await held.release();
    }
  });

  it('gives the folder back after a failure', async () => {
    await run('keys', 'revoke', 'nope');
    expect((await run('keys', 'list')).code).toBe(0);
  });

  it('shows the public key of the log, and nothing of the private one', async () => {
    const before = await run('keys', 'show-verifier');
    expect([before.code, before.stdout]).toEqual([1, '']);
    expect(before.stderr).toContain('There is no log in');
    mkdirSync(data, { mode: 0o700 });
    const { verifierKey } = await beginEpoch(data);
    const { code, stdout, stderr } = await run('keys', 'show-verifier');
    expect([code, stdout]).toEqual([0, `${verifierKey}\n`]);
    expect(stdout + stderr).not.toContain(JSON.parse(readFileSync(join(data, 'log-key.json'), 'utf8')).seed);
  });

  it('has no setup code to make, and says what to do instead', async () => {
    const { code, stderr } = await run('setup-code');
    expect(code).toBe(1);
    expect(stderr).toContain('No server runs on this data folder');
    expect(stderr).toContain('arkalia keys create');
  });
});

describe('with a server', () => {
  const key = { id: 'abcdefgh', name: 'A\u001b[2J', role: 'user', created_ms: 0 };
  const withServer = async (answer: Parameters<typeof ScriptedServer.start>[0]): Promise<void> => {
    mkdirSync(data, { mode: 0o700 });
    server = await ScriptedServer.start(answer, join(data, 'control.sock'));
  };

  it('asks it, and takes no lock', async () => {
    await withServer((request, response) => {
      if (request.method === 'GET') response.end(JSON.stringify({ keys: [key] }));
      else if (request.method === 'POST') response.end(JSON.stringify({ ...key, key: 'ark_abcdefgh_x' }));
      else response.writeHead(204).end();
    });
    const held = await openDataFolder(data, { address: 'a test', version: '0', clock: systemClock });
    try {
      expect((await run('keys', 'create', '--name', 'A', '--role', 'user')).stdout).toBe('ark_abcdefgh_x\n');
      const listed = await run('keys', 'list');
      expect(listed.stdout).toContain('A\\x1b[2J');
      expect((await run('keys', 'revoke', 'a/../b')).code).toBe(0);
    } finally {
      await held.release();
    }
    expect(server?.seen.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', '/keys', { name: 'A', role: 'user' }],
      ['GET', '/keys', undefined],
      ['DELETE', '/keys/a%2F..%2Fb', undefined],
    ]);
  });

  it('shows what it refuses', async () => {
    await withServer((_, response) =>
      problem(response, 404, { code: 'not_found', detail: 'There is no such key.' }),
    );
    const { code, stderr } = await run('keys', 'revoke', 'x');
    expect(code).toBe(1);
    expect(stderr).toContain('not_found: There is no such key.');
  });

  it('shows the setup code that it made', async () => {
    const file = join(folder, 'setup-code');
    writeFileSync(file, 'ABCD-EFGH-JKMN-PQRS\n');
    await withServer((_, response) => response.end(JSON.stringify({ file, expires_ms: 60_000 })));
    const { code, stdout, stderr } = await run('setup-code');
    expect([code, stdout]).toEqual([0, 'ABCD-EFGH-JKMN-PQRS\n']);
    expect(stderr).toContain('until 1970-01-01T00:01Z');
    expect(server?.seen[0]).toMatchObject({ method: 'POST', path: '/setup/code', body: {} });
  });
});
