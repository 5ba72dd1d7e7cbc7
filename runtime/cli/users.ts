import { z } from 'zod';
import { systemClock } from '../contracts/clock.js';
import { newUser, type People, password, userRecord } from '../contracts/people.js';
import { printable } from '../contracts/text.js';
import { type ControlCall, control } from './control.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { readSecret } from './passphrase.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

/** Who acts where no server runs. */
const actor = 'command line';

export interface UserFlags extends ConfigFlags {
  role?: string;
  passwordFile?: string;
}

/** Lets somebody sign in with a password. */
export async function addUser(name: string, flags: UserFlags, io: CliIo): Promise<number> {
  const wanted = check(newUser, { name, role: flags.role, password: await passwordFor(flags, io) });
  await on(flags, io, 'users add', { method: 'POST', path: '/users', body: wanted }, (people) =>
    people.addUser(wanted, actor),
  );
  io.err(`Added ${printable(name)} (${wanted.role}), who signs in on the web page.\n`);
  return exitCodes.ok;
}

/** Gives a user another password. */
export async function changePassword(name: string, flags: UserFlags, io: CliIo): Promise<number> {
  const body = check(z.object({ password }), { password: await passwordFor(flags, io) });
  const path = `/users/${encodeURIComponent(name)}/password`;
  const done = await on(flags, io, 'users password', { method: 'POST', path, body }, (people) =>
    people.setPassword(name, body.password, actor),
  );
  if (done === false) throw nobody(name);
  io.err(`Changed the password of ${printable(name)}, who is signed out everywhere.\n`);
  return exitCodes.ok;
}

/** Removes a user. */
export async function removeUser(name: string, flags: UserFlags, io: CliIo): Promise<number> {
  const path = `/users/${encodeURIComponent(name)}`;
  const done = await on(flags, io, 'users remove', { method: 'DELETE', path }, (people) =>
    people.removeUser(name, actor),
  );
  if (done === false) throw nobody(name);
  io.err(`Removed ${printable(name)}, who is signed out everywhere.\n`);
  return exitCodes.ok;
}

/** Lists who may sign in. */
export async function listUsers(flags: UserFlags, io: CliIo): Promise<number> {
  const value = await on(flags, io, 'users list', { method: 'GET', path: '/users' }, async (people) => ({
    users: people.listUsers(),
  }));
  const { users } = z.object({ users: z.array(userRecord) }).parse(value);
  if (users.length === 0) io.err('There are no users. Add one with: arkalia users add NAME --role user\n');
  for (const { id, name, role } of users) io.out(`${printable(`${role.padEnd(9)} user:${id}  ${name}`)}\n`);
  return exitCodes.ok;
}

const nobody = (name: string) =>
  new CliFailure(`There is no user of the name ${name}. See them with: arkalia users list`);

function passwordFor({ passwordFile }: UserFlags, io: CliIo): Promise<string> {
  return readSecret(
    { what: 'Password', flag: '--password-file', variable: 'USER_PASSWORD' },
    passwordFile,
    io,
  );
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const { path, message } = checked.error.issues[0]!;
  throw new CliFailure(`${String(path[0] ?? 'the user')}: ${message}`, exitCodes.usage);
}

/** Asks the running server; without one it works on the data folder. */
async function on(
  flags: UserFlags,
  io: CliIo,
  verb: string,
  call: ControlCall,
  offline: (people: People) => Promise<unknown>,
): Promise<unknown> {
  const { config } = loadFromFlags(flags, io);
  const reply = await control(config.data_dir, call);
  if (reply.server === 'running') return reply.value;
  const { withOfflineLedger } = await import('./offline-access.js');
  const { openPeople } = await import('../security/people.js');
  return withOfflineLedger(config, verb, async ({ ledger, folder }) => {
    const { login_ms: lifeMs } = config.http;
    return offline(await openPeople({ dataDir: folder, clock: systemClock, ledger, lifeMs }));
  });
}
