import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../contracts/clock.js';
import type { Ledger } from '../contracts/ledger.js';
import type { Access, CreatedKey, KeyRecord } from '../contracts/module.js';
import { KeyStore, makeKey, parseKey } from './keys.js';
import { SetupCode } from './setup-code.js';

export interface AccessOptions {
  dataDir: string;
  clock: Clock;
  ledger: Ledger;
  /** Whether only this machine can reach the server; beyond it there must be a key. */
  loopback: boolean;
  /** File with an administrator's key in plain text. */
  apiKeyFile?: string | undefined;
}

/**
 * Opens the keys and, where the server is reachable from elsewhere and none exists, makes a setup code. Every act is recorded in
 * the ledger before it takes effect.
 * @throws Error with what to do when a key file is damaged or does not hold a key.
 */
export async function openAccess(options: AccessOptions): Promise<{ access: Access; warnings: string[] }> {
  const { dataDir, clock, ledger, loopback, apiKeyFile } = options;
  const store = await KeyStore.open(join(dataDir, 'keys.json'));
  const setup = new SetupCode(join(dataDir, 'setup-code'), clock);
  const warnings: string[] = [];

  const add = async (key: string, record: Omit<KeyRecord, 'created_ms'>): Promise<CreatedKey> => {
    const full = { ...record, created_ms: clock.wallMs() };
    await ledger.append({
      type: 'key_created',
      module: 'kernel',
      data: { id: record.id, role: record.role },
      texts: { name: record.name },
    });
    await store.add(full, parseKey(key)!.digest);
    return { ...full, key };
  };

  const access: Access = {
    setupMode: () => !loopback && store.size === 0,
    identify: (key) => {
      const found = store.find(key);
      return found === null ? null : { role: found.role, keyId: found.id };
    },
    createKey: async ({ name, role }) => {
      const { id, key } = makeKey();
      return add(key, { id, name, role });
    },
    listKeys: () => store.list(),
    revokeKey: async (id) => {
      if (!store.has(id)) return false;
      await ledger.append({ type: 'key_revoked', module: 'kernel', data: { id } });
      await store.remove(id);
      return true;
    },
    renewSetupCode: async () => ({ file: setup.file, ...(await setup.renew()) }),
    redeemSetupCode: async (code) => {
      if (!(await setup.redeem(code))) return null;
      const created = await access.createKey({ name: 'setup', role: 'admin' });
      await ledger.append({ type: 'setup_completed', module: 'kernel', data: { key_id: created.id } });
      return created;
    },
  };

  if (apiKeyFile !== undefined) await registerFile(apiKeyFile, store, add, warnings);
  if (access.setupMode()) await setup.renew();
  return { access, warnings };
}

async function registerFile(
  file: string,
  store: KeyStore,
  add: (key: string, record: Omit<KeyRecord, 'created_ms'>) => Promise<CreatedKey>,
  warnings: string[],
): Promise<void> {
  const key = (
    await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new Error(
        `api_key_file ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    })
  ).trim();
  const parsed = parseKey(key);
  if (parsed === null) {
    throw new Error(
      `api_key_file ${file} does not hold a key of the form ark_<id>_<43 characters>; "arkalia keys create" makes one`,
    );
  }
  if (((await stat(file)).mode & 0o004) !== 0)
    warnings.push(`${file} holds a key and everyone on this machine can read it`);
  if (store.find(key) !== null) return;
  if (store.has(parsed.id))
    throw new Error(`api_key_file ${file} has the id of another key, "${parsed.id}"; revoke that one first`);
  await add(key, { id: parsed.id, name: 'api_key_file', role: 'admin' });
}
