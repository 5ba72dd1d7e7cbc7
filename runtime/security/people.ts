import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import type { BuiltInEventType } from '../contracts/event-types.js';
import type { Ledger } from '../contracts/ledger.js';
import type { People } from '../contracts/people.js';
import { makeId } from './keys.js';
import { Logins } from './logins.js';
import { hashPassword, isPassword } from './passwords.js';
import { PasswordTries } from './tries.js';
import { UserStore, usersMax } from './users.js';

export interface PeopleOptions {
  dataDir: string;
  clock: Clock;
  ledger: Ledger;
  /** How long a login holds, in ms. */
  lifeMs: number;
}

/**
 * Opens the users and their logins. Every act is recorded in the ledger before it takes effect; names are texts beside it, not in it.
 * @throws Error with what to do when a file is damaged.
 */
export async function openPeople({ dataDir, clock, ledger, lifeMs }: PeopleOptions): Promise<People> {
  const users = await UserStore.open(join(dataDir, 'users.json'));
  const [newest] = await ledger.query({ order: 'desc', limit: 1 });
  const logins = await Logins.open(join(dataDir, 'logins.json'), {
    clock,
    lifeMs,
    floorMs: newest?.time_ms ?? 0,
    boot: randomBytes(12).toString('base64url'),
  });
  const tries = new PasswordTries(clock);

  // One change at a time: two that began from the same file would lose one of them.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const run = last.then(task, task);
    last = run;
    return run;
  };
  const record = (type: BuiltInEventType, data: Record<string, string>, user: string) =>
    ledger.append({ type, module: 'kernel', data, texts: { user } });
  const endAll = async (name: string, by: string, butId?: string) => {
    const ended = logins.list().filter(({ id, user }) => user === name && id !== butId);
    for (const { id } of ended) await record('login_ended', { id, by }, name);
    await logins.end(ended.map(({ id }) => id));
  };

  return {
    listUsers: () => users.list(),
    listLogins: () => logins.list(),
    holds: (id) => logins.holds(id),
    addUser: ({ name, role, password }, by) =>
      inTurn(async () => {
        if (users.get(name) !== undefined) throw new AppError('conflict', 'There is a user of that name.');
        if (users.size >= usersMax) {
          throw new AppError('conflict', `There may be ${usersMax} users at most; remove some first.`);
        }
        const user = { id: makeId(), name, role, created_ms: clock.wallMs() };
        const hash = await hashPassword(password);
        await record('user_added', { role, by }, name);
        await users.put(user, hash);
        return user;
      }),
    setPassword: (name, password, by) =>
      inTurn(async () => {
        const user = users.get(name);
        if (user === undefined) return false;
        const hash = await hashPassword(password);
        await record('password_changed', { by }, name);
        await users.put(user, hash);
        await endAll(name, by);
        return true;
      }),
    changePassword: async ({ login: { id, user: name }, current, password, client, by }) => {
      const wrong = () => new AppError('forbidden', 'The current password is wrong.');
      const old = users.hashOf(name);
      if (!(await tries.judge(client, name, () => isPassword(current, old)))) throw wrong();
      await inTurn(async () => {
        const user = users.get(name);
        // Removed, or given another password, while this one was looked at.
        if (user === undefined || users.hashOf(name) !== old) throw wrong();
        const hash = await hashPassword(password);
        await record('password_changed', { by }, name);
        await users.put(user, hash);
        await endAll(name, by, id);
      });
    },
    removeUser: (name, by) =>
      inTurn(async () => {
        if (users.get(name) === undefined) return false;
        await record('user_removed', { by }, name);
        await users.remove(name);
        await endAll(name, by);
        return true;
      }),
    login: async ({ user, password, mode, client }) => {
      const hash = users.hashOf(user);
      const known = hash === undefined ? undefined : user;
      if (!(await tries.judge(client, known, () => isPassword(password, hash)))) {
        throw new AppError('unauthorized', 'That name or password is wrong.');
      }
      return inTurn(async () => {
        // Removed, or given another password, while this one was looked at.
        if (users.hashOf(user) !== hash)
          throw new AppError('unauthorized', 'That name or password is wrong.');
        const id = randomBytes(12).toString('base64url');
        await record('login_opened', { id, mode }, user);
        return logins.open({ id, user, mode, created_ms: clock.wallMs() });
      });
    },
    identify: async (token) => {
      const found = await logins.check(token);
      const user = found === null ? undefined : users.get(found.login.user);
      return found === null || user === undefined ? null : { user, ...found };
    },
    endLogin: (id, by) =>
      inTurn(async () => {
        const login = logins.get(id);
        if (login === undefined) return false;
        await record('login_ended', { id, by }, login.user);
        await logins.end([id]);
        return true;
      }),
  };
}
