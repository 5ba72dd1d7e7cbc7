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

test.each(['', '{', '{"version":2,"keys":[]}', '{"version":1,"keys":[{"id":"x"}]}'])(
  'the damaged file %j stops the start',
  async (text) => {
    await writeFile(file, text);
    await expect(KeyStore.open(file)).rejects.toThrow('is not a key file of ours');
  },
);

test('a key has 256 random bits and no two are alike', () => {
  const keys = Array.from({ length: 100 }, () => makeKey().key);
  expect(new Set(keys).size).toBe(100);
  for (const key of keys)
    expect(Buffer.from(key.split('_').slice(2).join('_'), 'base64url')).toHaveLength(32);
});
