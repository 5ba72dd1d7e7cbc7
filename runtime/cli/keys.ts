import { z } from 'zod';
import { printable } from '../contracts/text.js';
import { type ControlCall, control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

const roles = ['user', 'operator', 'admin'] as const;
type Role = (typeof roles)[number];

const keyShape = z.object({ id: z.string(), name: z.string(), role: z.string(), created_ms: z.number() });

export interface CreateKeyFlags extends ConfigFlags {
  name: string;
  role: string;
}

/** Makes a key. The key alone goes to standard output, so that a script can take it; the rest is on standard error. */
export async function createKey(flags: CreateKeyFlags, io: CliIo): Promise<number> {
  const { name } = flags;
  const role = checkRole(flags.role);
  const value = await onServer(flags, io, { method: 'POST', path: '/keys', body: { name, role } });
  const created = keyShape
    .extend({ key: z.string() })
    .parse(value ?? (await offline(flags, io, 'keys create', (access) => access.createKey({ name, role }))));
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
  if (keys.length === 0)
    io.err('There are no keys. Make one with: arkalia keys create --name NAME --role user\n');
  for (const { id, name, role, created_ms } of keys) {
    io.out(`${printable(`${id.padEnd(18)} ${role.padEnd(9)} ${isoSeconds(created_ms)}  ${name}`)}\n`);
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
    !(await offline(flags, io, 'keys revoke', (access) => access.revokeKey(id)))
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

function checkRole(role: string): Role {
  const found = roles.find((known) => known === role);
  if (found === undefined) throw new CliFailure(`--role must be one of: ${roles.join(', ')}; not ${role}`, 2);
  return found;
}

function isoSeconds(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'unknown time' : `${date.toISOString().slice(0, 19)}Z`;
}
