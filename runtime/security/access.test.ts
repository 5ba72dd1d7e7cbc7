import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import type { Ledger, NewEvent } from '../contracts/ledger.js';
import { openAccess } from './access.js';
import { makeKey } from './keys.js';

let dataDir: string;
let events: NewEvent[];
let failing = false;
let newestMs: number | undefined;
const ledger = {
  append: async (event: NewEvent) => {
    if (failing) throw new Error('disk full');
    events.push(event);
  },
  query: async () => (newestMs === undefined ? [] : [{ time_ms: newestMs }]),
} as unknown as Ledger;
const open = (options: { loopback?: boolean; apiKeyFile?: string } = {}) =>
  openAccess({ dataDir, clock: systemClock, ledger, loopback: false, ...options });

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-access-'));
  events = [];
  failing = false;
  newestMs = undefined;
});
afterEach(() => rm(dataDir, { recursive: true }));

test('beyond loopback without a key there is a setup code, which makes the first key and ends setup mode', async () => {
  const { access } = await open();
  expect(access.setupMode()).toBe(true);
  const code = await readFile(join(dataDir, 'setup-code'), 'utf8');
  expect(await access.redeemSetupCode('wrong')).toBeNull();
  const created = await access.redeemSetupCode(code);
  expect(created).toMatchObject({ role: 'admin' });
  expect(access.setupMode()).toBe(false);
  expect(access.identify(created!.key)).toEqual({ role: 'admin', keyId: created!.id });
  expect(events.map((event) => event.type)).toEqual(['key_created', 'setup_completed']);
  expect((await open()).access.setupMode()).toBe(false);
});

test('a key that has expired is refused, and stays so with a clock that starts in the past', async () => {
  let wall = 1000;
  const clock = { wallMs: () => wall, monotonicMs: () => 0 };
  const openAt = () => openAccess({ dataDir, clock, ledger, loopback: true });
  const { access } = await openAt();
  const { key, id } = await access.createKey({ name: 'guest', role: 'user', expires_ms: 2000 }, 'a test');
  expect(access.identify(key)).toMatchObject({ role: 'user', keyId: id });
  expect(access.mayGoOn({ keyId: id })).toBe(true);
  wall = 2000;
  const expired = expect.objectContaining({
    code: 'unauthorized',
    message: expect.stringContaining('expired'),
  });
  expect(() => access.identify(key)).toThrow(expired);
  expect(access.mayGoOn({ keyId: id })).toBe(false);
  wall = 0;
  newestMs = 2500;
  const { access: after } = await openAt();
  expect(() => after.identify(key)).toThrow(expired);
});

test('a key brings its scopes and models; the ledger is told what it is narrowed by, not its name or theirs', async () => {
  const { access } = await open({ loopback: true });
  const { key, id } = await access.createKey(
    {
      ...{ name: 'secret name', role: 'user', scopes: ['chat'], models: ['private-model'] },
      ...{ requests_per_minute: 5, tokens_per_day: 6 },
    },
    'a test',
  );
  expect(access.identify(key)).toEqual({
    ...{ role: 'user', keyId: id, scopes: ['chat'], models: ['private-model'] },
  });
  expect(events[0]!.data).toEqual({
    ...{ id, role: 'user', scopes: ['chat'], models: 1, requests_per_minute: 5, tokens_per_day: 6 },
    by: 'a test',
  });
});

test('on loopback there is no setup mode and no code', async () => {
  const { access } = await open({ loopback: true });
  expect(access.setupMode()).toBe(false);
  await expect(readFile(join(dataDir, 'setup-code'))).rejects.toThrow('ENOENT');
});

test('the 1,001st key is refused before anything is recorded', async () => {
  const digest = 'a'.repeat(64);
  const keys = Array.from({ length: 1000 }, (_, n) => ({
    id: `k${String(n).padStart(7, '0')}`,
    name: 'one of many',
    role: 'user',
    created_ms: 0,
    sha256: digest,
  }));
  await writeFile(join(dataDir, 'keys.json'), JSON.stringify({ version: 1, keys }), { mode: 0o600 });
  const { access } = await open();
  await expect(access.createKey({ name: 'one more', role: 'user' }, 'a test')).rejects.toMatchObject({
    code: 'conflict',
  });
  expect(events).toEqual([]);
  expect(access.listKeys()).toHaveLength(1000);
});

test('what cannot be recorded does not take effect', async () => {
  const { access } = await open({ loopback: true });
  const kept = await access.createKey({ name: 'kept', role: 'user' }, 'a test');
  failing = true;
  await expect(access.createKey({ name: 'lost', role: 'user' }, 'a test')).rejects.toThrow('disk full');
  await expect(access.revokeKey(kept.id, 'a test')).rejects.toThrow('disk full');
  expect(access.listKeys().map((key) => key.name)).toEqual(['kept']);
});

test('a revoked key is nobody at once; an unknown id is told so', async () => {
  const { access } = await open({ loopback: true });
  const { id, key } = await access.createKey({ name: 'a', role: 'operator' }, 'a test');
  expect(await access.revokeKey(id, 'a test')).toBe(true);
  expect(access.identify(key)).toBeNull();
  expect(await access.revokeKey(id, 'a test')).toBe(false);
});

test('the key of a file is registered once; a file that all can read is warned of', async () => {
  const apiKeyFile = join(dataDir, 'api-key');
  const { key } = makeKey();
  await writeFile(apiKeyFile, `${key}\n`);
  await chmod(apiKeyFile, 0o644);
  const { access, warnings } = await open({ apiKeyFile });
  expect(warnings).toEqual([expect.stringContaining('everyone on this machine can read it')]);
  expect(access.setupMode()).toBe(false);
  expect(access.identify(key)).toMatchObject({ role: 'admin' });
  await open({ apiKeyFile });
  expect(events).toHaveLength(1);
});

test('a file without a key, with another secret for a known id, or no file stops the start', async () => {
  const apiKeyFile = join(dataDir, 'api-key');
  await expect(open({ apiKeyFile })).rejects.toThrow('cannot be read');
  await writeFile(apiKeyFile, 'hunter2');
  await expect(open({ apiKeyFile })).rejects.toThrow('does not hold a key');
  const { key } = makeKey();
  await writeFile(apiKeyFile, key);
  await open({ apiKeyFile });
  await writeFile(apiKeyFile, key.slice(0, -43) + makeKey().key.slice(-43));
  await expect(open({ apiKeyFile })).rejects.toThrow('another key');
});

test('keys that are made and revoked at once are all kept, in memory and on the disk', async () => {
  const { access } = await open({ loopback: true });
  const doomed = await access.createKey({ name: 'doomed', role: 'user' }, 'a test');
  const [revoked, ...created] = await Promise.all([
    access.revokeKey(doomed.id, 'a test'),
    ...Array.from({ length: 12 }, (_, i) => access.createKey({ name: `k${i}`, role: 'user' }, 'a test')),
  ]);
  expect(revoked).toBe(true);
  const again = (await open({ loopback: true })).access;
  for (const { key, id } of created) {
    expect(access.identify(key)).toMatchObject({ keyId: id });
    expect(again.identify(key)).toMatchObject({ keyId: id });
  }
  expect(again.identify(doomed.key)).toBeNull();
});

test('a setup code is over when a first key exists, however that was made', async () => {
  const { access } = await open();
  const code = await readFile(join(dataDir, 'setup-code'), 'utf8');
  const [byCode, byHand] = await Promise.all([
    access.redeemSetupCode('wrong'),
    access.createKey({ name: 'by hand', role: 'admin' }, 'a test'),
  ]);
  expect([byCode, byHand.role]).toEqual([null, 'admin']);
  expect(await access.redeemSetupCode(code)).toBeNull();
  await expect(access.renewSetupCode('a test')).rejects.toMatchObject({ code: 'forbidden' });
  await expect(readFile(join(dataDir, 'setup-code'))).rejects.toThrow('ENOENT');
});

test('the code is redeemed once, however many ask at once', async () => {
  const { access } = await open();
  const code = await readFile(join(dataDir, 'setup-code'), 'utf8');
  const made = await Promise.all(Array.from({ length: 5 }, () => access.redeemSetupCode(code)));
  expect(made.filter((key) => key !== null)).toHaveLength(1);
  expect(access.listKeys()).toHaveLength(1);
});

test('a new key in api_key_file ends the old one', async () => {
  const apiKeyFile = join(dataDir, 'api-key');
  const [first, second] = [makeKey().key, makeKey().key];
  await writeFile(apiKeyFile, first);
  await open({ apiKeyFile });
  await writeFile(apiKeyFile, second);
  const { access } = await open({ apiKeyFile });
  expect(access.identify(first)).toBeNull();
  expect(access.identify(second)).toMatchObject({ role: 'admin' });
});
