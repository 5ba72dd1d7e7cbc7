import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Access, CreatedKey, KeyRecord, NewKey } from '../contracts/access.js';
import type { Clock } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import type { JsonObject } from '../contracts/json.js';
import type { Ledger } from '../contracts/ledger.js';
import { KeyUsageBook } from './key-usage.js';
import { KeyStore, keysMax, makeKey, parseKey } from './keys.js';
import { SetupCode } from './setup-code.js';

/** Name of the key that api_key_file brought. */
const fileKeyName = 'api_key_file';

export interface AccessOptions {
  dataDir: string;
  clock: Clock;
  ledger: Ledger;
  /** Whether only this machine can reach the server; beyond it there must be a key. */
  loopback: boolean;
  /** Whether somebody may sign in without a key. */
  hasUsers?(): boolean;
  /** File with an administrator's key in plain text. */
  apiKeyFile?: string | undefined;
  /** Told of what went wrong in the background. */
  onProblem?(message: string, error: unknown): void;
}

interface OpenedAccess {
  access: Access;
  /** What a person should read at the start. */
  warnings: string[];
  /** Writes what keys did since it was last written. */
  close(): Promise<void>;
}

/** What the ledger tells of a new key: no name, and of models how many. */
function auditOf({ id, role, scopes, models, ...limits }: Omit<KeyRecord, 'created_ms'>): JsonObject {
  const { requests_per_minute, tokens_per_day, expires_ms } = limits;
  const all = { id, role, scopes, requests_per_minute, tokens_per_day, expires_ms, models: models?.length };
  return JSON.parse(JSON.stringify(all)) as JsonObject;
}

/**
 * Opens the keys and, where the server is reachable from elsewhere and none exists, makes a setup code. Every act is recorded in
 * the ledger before it takes effect.
 * @throws Error with what to do when a key file is damaged or does not hold a key.
 */
export async function openAccess(options: AccessOptions): Promise<OpenedAccess> {
  const { dataDir, clock, ledger, loopback, apiKeyFile } = options;
  const store = await KeyStore.open(join(dataDir, 'keys.json'));
  const setup = new SetupCode(join(dataDir, 'setup-code'), clock);
  const book = await KeyUsageBook.open(join(dataDir, 'key-usage.json'), {
    clock,
    keyOf: (id) => store.get(id),
    onProblem: options.onProblem ?? (() => {}),
  });
  // A device without a clock battery starts in the past: what has expired must not hold again until the clock is set.
  const [newest] = await ledger.query({ order: 'desc', limit: 1 });
  const floorMs = newest?.time_ms ?? 0;
  const hasExpired = ({ expires_ms: end }: KeyRecord) =>
    end !== undefined && Math.max(clock.wallMs(), floorMs) >= end;
  const warnings: string[] = [];

  // One change at a time: two that began from the same keys would lose one of them.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const run = last.then(task, task);
    last = run;
    return run;
  };

  const add = async (key: string, record: Omit<KeyRecord, 'created_ms'>, by: string): Promise<CreatedKey> => {
    if (store.size >= keysMax) {
      throw new AppError('conflict', `There may be ${keysMax} keys at most; revoke some first.`);
    }
    const full = { ...record, created_ms: clock.wallMs() };
    await ledger.append({
      type: 'key_created',
      module: 'kernel',
      data: { ...auditOf(record), by },
      texts: { name: record.name, key: record.id },
    });
    await store.add(full, parseKey(key)!.digest);
    await setup.end();
    return { ...full, key };
  };
  const create = async (wanted: NewKey, by: string): Promise<CreatedKey> => {
    const { id, key } = makeKey();
    return add(key, { id, ...wanted }, by);
  };
  const revoke = async (id: string, by: string): Promise<boolean> => {
    if (!store.has(id)) return false;
    await ledger.append({ type: 'key_revoked', module: 'kernel', data: { id, by } });
    await store.remove(id);
    book.forget(id);
    return true;
  };

  const access: Access = {
    setupMode: () => !loopback && store.size === 0 && options.hasUsers?.() !== true,
    identify: (key) => {
      const found = store.find(key);
      if (found === null) return null;
      if (hasExpired(found)) {
        throw new AppError('unauthorized', 'That key has expired; ask for another one.');
      }
      const { id: keyId, role, scopes, models } = found;
      return { role, keyId, scopes, models };
    },
    mayGoOn: ({ keyId }) => {
      if (keyId === null) return true;
      const held = store.get(keyId);
      return held !== undefined && !hasExpired(held);
    },
    meter: book,
    keyUsage: () => book.usage(store.list()),
    createKey: (options, by) => inTurn(() => create(options, by)),
    listKeys: () => store.list(),
    revokeKey: (id, by) => inTurn(() => revoke(id, by)),
    renewSetupCode: (by) =>
      inTurn(async () => {
        if (!access.setupMode()) {
          throw new AppError(
            'forbidden',
            'A setup code makes the first key only, of a server that listens beyond this machine; "arkalia keys create" makes keys.',
          );
        }
        await ledger.append({ type: 'setup_code_renewed', module: 'kernel', data: { by } });
        return { file: setup.file, ...(await setup.renew()) };
      }),
    redeemSetupCode: (code) =>
      inTurn(async () => {
        if (!access.setupMode() || !(await setup.redeem(code))) return null;
        const created = await create({ name: 'setup', role: 'admin' }, 'setup');
        await ledger.append({ type: 'setup_completed', module: 'kernel', data: { key_id: created.id } });
        return created;
      }),
  };

  const fileKeyId =
    apiKeyFile === undefined ? undefined : await registerFile(apiKeyFile, store, add, warnings);
  // A key that the file no longer holds is over: that is how a mounted secret is rotated.
  for (const { id, name } of store.list()) {
    if (apiKeyFile !== undefined && name === fileKeyName && id !== fileKeyId) await revoke(id, fileKeyName);
  }
  if (access.setupMode()) await setup.renew();
  else await setup.end();
  return { access, warnings, close: () => book.close() };
}

/** Registers the key of the file and gives back its id. */
async function registerFile(
  file: string,
  store: KeyStore,
  add: (key: string, record: Omit<KeyRecord, 'created_ms'>, by: string) => Promise<CreatedKey>,
  warnings: string[],
): Promise<string> {
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
  const { id } = parsed;
  if (store.find(key) !== null) return id;
  if (store.has(id))
    throw new Error(`api_key_file ${file} has the id of another key, "${id}"; revoke that one first`);
  await add(key, { id, name: fileKeyName, role: 'admin' }, fileKeyName);
  return id;
}
