import { z } from 'zod';
import { type KeyLimits, keyLimits, keyRoles, keyUsage, type NewKey, newKey } from '../contracts/access.js';
import { printable } from '../contracts/text.js';
import { type ControlCall, control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

const keyShape = keyLimits
  .extend({ id: z.string(), name: z.string(), role: z.string(), created_ms: z.number() })
  .loose();

export interface CreateKeyFlags extends ConfigFlags {
  name?: string;
  role: string;
  scope?: string[];
  models?: string[];
  rate?: string;
  tokensPerDay?: string;
  expires?: string;
}

/** Makes a key. The key alone goes to standard output, so that a script can take it; the rest is on standard error. */
export async function createKey(name: string | undefined, flags: CreateKeyFlags, io: CliIo): Promise<number> {
  const wanted = wantedKey(name, flags, Date.now());
  const value = await onServer(flags, io, { method: 'POST', path: '/keys', body: wanted });
  const created = keyShape
    .extend({ key: z.string() })
    .parse(
      value ??
        (await offline(flags, io, 'keys create', (access) => access.createKey(wanted, 'command line'))),
    );
  io.out(`${printable(created.key)}\n`);
  io.err(
    `Made key ${printable(created.id)} (${printable(created.role)}). It is shown this once: keep it now. Send it as "Authorization: Bearer …".\n`,
  );
  return exitCodes.ok;
}

/** Lists the keys, without secrets. */
export async function listKeys(flags: ConfigFlags, io: CliIo): Promise<number> {
  const value = await onServer(flags, io, { method: 'GET', path: '/keys' });
  const { keys } = z
    .object({ keys: z.array(keyShape) })
    .parse(value ?? { keys: await offline(flags, io, 'keys list', async (access) => access.listKeys()) });
  if (keys.length === 0) io.err('There are no keys. Make one with: arkalia keys create NAME --role user\n');
  for (const { id, name, role, created_ms, ...limits } of keys) {
    const line = `${id.padEnd(18)} ${role.padEnd(9)} ${isoSeconds(created_ms)}  ${name}${limitsText(limits)}`;
    io.out(`${printable(line)}\n`);
  }
  return exitCodes.ok;
}

/** Prints what each key did, a line for each day. */
export async function showUsage(flags: ConfigFlags, io: CliIo): Promise<number> {
  const value = await onServer(flags, io, { method: 'GET', path: '/keys/usage' });
  const { keys } = z
    .object({ keys: z.array(keyUsage) })
    .parse(value ?? { keys: await offline(flags, io, 'keys usage', async (access) => access.keyUsage()) });
  if (keys.length === 0) io.err('There are no keys.\n');
  for (const { id, name, tokens_per_day: budget, days } of keys) {
    const of = budget === undefined ? '' : ` of ${budget}`;
    if (Object.keys(days).length === 0) io.out(`${printable(`${id.padEnd(18)} ${name}: not used`)}\n`);
    for (const [date, day] of Object.entries(days)) {
      const tokens = day.prompt_tokens + day.completion_tokens;
      const figures = `${day.requests} requests, ${day.refused} refused, ${day.prompts} prompts, ${tokens}${of} tokens (${day.prompt_tokens} + ${day.completion_tokens})`;
      io.out(`${printable(`${id.padEnd(18)} ${date}  ${figures}  ${name}`)}\n`);
    }
  }
  return exitCodes.ok;
}

/** Ends a key at once. */
export async function revokeKey(id: string, flags: ConfigFlags, io: CliIo): Promise<number> {
  const reply = await control(loadFromFlags(flags, io).config.data_dir, {
    method: 'DELETE',
    path: `/keys/${encodeURIComponent(id)}`,
  });
  if (
    reply.server === 'none' &&
    !(await offline(flags, io, 'keys revoke', (access) => access.revokeKey(id, 'command line')))
  ) {
    throw new CliFailure(`There is no key with the id ${id}. See them with: arkalia keys list`);
  }
  io.err(`Revoked key ${printable(id)}.\n`);
  return exitCodes.ok;
}

/** Prints the key with which others check what this device's log signs; the private one is not shown. */
export async function showVerifier(flags: ConfigFlags, io: CliIo): Promise<number> {
  const { readSigner } = await import('../ledger/tlog/identity.js');
  const { data_dir: folder } = loadFromFlags(flags, io).config;
  const signer = await readSigner(folder);
  if (signer === undefined) {
    throw new CliFailure(`There is no log in ${folder} yet; the first start of the server makes its key.`);
  }
  io.out(`${signer.verifierKey}\n`);
  return exitCodes.ok;
}

/** Prints the key with which others check what this device cosigns. */
export async function showWitness(flags: ConfigFlags, io: CliIo): Promise<number> {
  const { WitnessFile } = await import('../ledger/witness/witness-file.js');
  const { createCosigner } = await import('../ledger/witness/cosignature.js');
  const { data_dir: folder } = loadFromFlags(flags, io).config;
  const file = await WitnessFile.read(folder);
  if (file === undefined) {
    throw new CliFailure(
      `There is no witness in ${folder} yet; the first start of the server with ledger.witness.logs makes its key.`,
    );
  }
  io.out(`${createCosigner(file.name, file.seed).verifierKey}\n`);
  return exitCodes.ok;
}

async function onServer(flags: ConfigFlags, io: CliIo, call: ControlCall): Promise<unknown> {
  const reply = await control(loadFromFlags(flags, io).config.data_dir, call);
  return reply.server === 'running' ? reply.value : undefined;
}

async function offline<T>(
  flags: ConfigFlags,
  io: CliIo,
  verb: string,
  use: Parameters<typeof import('./offline-access.js').withOfflineAccess<T>>[2],
): Promise<T> {
  const { withOfflineAccess } = await import('./offline-access.js');
  return withOfflineAccess(loadFromFlags(flags, io).config, verb, use);
}

/** What each field of a new key is called on the command line. */
const flagOf: Record<string, string> = {
  name: 'NAME',
  role: '--role',
  scopes: '--scope',
  models: '--models',
  requests_per_minute: '--rate',
  tokens_per_day: '--tokens-per-day',
  expires_ms: '--expires',
};

function wantedKey(argument: string | undefined, flags: CreateKeyFlags, nowMs: number): NewKey {
  const { role, scope, models, rate, tokensPerDay, expires } = flags;
  if (argument !== undefined && flags.name !== undefined && argument !== flags.name) {
    throw new CliFailure(`Give the name once: ${argument} or ${flags.name}`, 2);
  }
  if (!keyRoles.some((known) => known === role)) {
    throw new CliFailure(`--role must be one of: ${keyRoles.join(', ')}; not ${role}`, 2);
  }
  const name = argument ?? flags.name;
  if (name === undefined) {
    throw new CliFailure('A key needs a name for whom it is: arkalia keys create NAME --role user', 2);
  }
  const wanted = newKey.safeParse({
    name,
    role,
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(models === undefined ? {} : { models }),
    ...(rate === undefined ? {} : { requests_per_minute: Number(rate) }),
    ...(tokensPerDay === undefined ? {} : { tokens_per_day: Number(tokensPerDay) }),
    ...(expires === undefined ? {} : { expires_ms: endOf(expires, nowMs) }),
  });
  if (wanted.success) return wanted.data;
  const { path, message } = wanted.error.issues[0]!;
  throw new CliFailure(`${flagOf[String(path[0])] ?? 'the key'}: ${message}`, 2);
}

const spans: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** When a key ends: `12h`, `30d` or `4w` from now, or a date as in 2027-01-31 (its beginning, UTC). */
function endOf(text: string, nowMs: number): number {
  const span = /^(\d{1,5})([hdw])$/.exec(text);
  const end = span === null ? Date.parse(text) : nowMs + Number(span[1]) * spans[span[2]!]!;
  const isDate = span !== null || /^\d{4}-\d\d-\d\d(T[\d:.]+Z)?$/.test(text);
  if (isDate && end > nowMs) return end;
  throw new CliFailure(`--expires is a time to come, such as 30d, 12h or 2027-01-31, not ${text}`, 2);
}

function limitsText({ scopes, models, requests_per_minute, tokens_per_day, expires_ms }: KeyLimits): string {
  const parts = [
    ...(scopes === undefined ? [] : [`scopes ${scopes.join(',')}`]),
    ...(models === undefined ? [] : [`models ${models.join(',')}`]),
    ...(requests_per_minute === undefined ? [] : [`${requests_per_minute} requests/min`]),
    ...(tokens_per_day === undefined ? [] : [`${tokens_per_day} tokens/day`]),
    ...(expires_ms === undefined ? [] : [`until ${isoSeconds(expires_ms)}`]),
  ];
  return parts.length === 0 ? '' : `  (${parts.join('; ')})`;
}

function isoSeconds(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'unknown time' : `${date.toISOString().slice(0, 19)}Z`;
}
