import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyStore, makeKey, parseKey } from './keys.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-keys-'));
  file = join(folder, 'keys.json');
});
afterEach(() => rm(folder, { recursive: true }));

async function addKey(store: KeyStore) {
  const { id, key } = makeKey();
  await store.add({ id, name: 'phone', role: 'user', created_ms: 5 }, parseKey(key)!.digest);
  return { id, key };
}

test('a key is found again after a restart; its secret is not in the file, and the file is 0600', async () => {
  const { id, key } = await addKey(await KeyStore.open(file));
  const again = await KeyStore.open(file);
  expect(again.find(key)).toEqual({ id, name: 'phone', role: 'user', created_ms: 5 });
  expect(await readFile(file, 'utf8')).not.toContain(key.split('_').slice(2).join('_'));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('a wrong secret, an unknown id, a revoked key and other forms are nobody', async () => {
  const store = await KeyStore.open(file);
  const { id, key } = await addKey(store);
  const last = key.at(-2) === 'A' ? 'B' : 'A';
  expect(store.find(`${key.slice(0, -2)}${last}${key.at(-1)}`)).toBeNull();
  expect(store.find(makeKey().key)).toBeNull();
  for (const other of ['', 'ark_', 'sk-123', `${key} `, `x${key}`]) expect(store.find(other)).toBeNull();
  await store.remove(id);
  expect(store.find(key)).toBeNull();
  expect((await KeyStore.open(file)).size).toBe(0);
});

test.each(['', '{', '{"version":3,"keys":[]}', '{"version":1,"keys":[{"id":"x"}]}'])(
  'the damaged file %j stops the start',
  async (text) => {
    await writeFile(file, text);
    await expect(KeyStore.open(file)).rejects.toThrow('is not a key file of ours');
  },
);

test('a file of version 1 is read as it is, and the next change writes version 2 with its limits', async () => {
  const { id, key } = makeKey();
  const sha256 = parseKey(key)!.digest.toString('hex');
  const old = { id, name: 'old', role: 'operator', created_ms: 7 };
  await writeFile(file, JSON.stringify({ version: 1, keys: [{ ...old, sha256 }] }));
  const store = await KeyStore.open(file);
  expect(store.find(key)).toEqual(old);
  const limits = {
    ...{ scopes: ['chat'] as 'chat'[], models: ['arkalia'], expires_ms: 9 },
    ...{ requests_per_minute: 1, tokens_per_day: 2 },
  };
  const fresh = makeKey();
  const record = { id: fresh.id, name: 'new', role: 'user' as const, created_ms: 8, ...limits };
  await store.add(record, parseKey(fresh.key)!.digest);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 2 });
  const again = await KeyStore.open(file);
  expect([again.find(key), again.find(fresh.key)]).toEqual([old, record]);
});

test('a key has 256 random bits and no two are alike', () => {
  const keys = Array.from({ length: 100 }, () => makeKey().key);
  expect(new Set(keys).size).toBe(100);
  for (const key of keys)
    expect(Buffer.from(key.split('_').slice(2).join('_'), 'base64url')).toHaveLength(32);
});
