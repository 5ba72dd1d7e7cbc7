import { z } from 'zod';
import { scopesOf } from '../../../runtime/contracts/access.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import {
  actorOf,
  defineRoute,
  json,
  type RouteDefinition,
  roles,
  scopes,
} from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import {
  type LoginMode,
  loginModes,
  loginRecord,
  newUser,
  password,
  userName,
  userRecord,
} from '../../../runtime/contracts/people.js';
import { loginCookie, noLoginCookie } from '../frame/login-cookie.js';

const signedIn = z.object({ user: userName, role: z.string(), mode: z.enum(loginModes) });
const whoAnswer = z.object({
  role: z.enum(roles),
  scopes: z.array(z.enum(scopes)),
  key_id: z.string().nullable(),
  user: userName.nullable(),
  mode: z.enum(loginModes).nullable(),
  passwords: z.boolean().describe('Whether somebody may sign in with a password'),
});

/** Why a request with a password is not remembered. */
const carriesPassword =
  'a password is kept nowhere but as its scrypt hash, so what it came with cannot be compared.';

/** Signing in and out, who is calling, and a password of one's own. */
export function loginRoutes({ people, config }: ModuleContext): RouteDefinition[] {
  const tls = config.http.tls_cert_file !== undefined;
  const common = { tag: 'access', errors: 'problem' } as const;
  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/me',
      role: 'none',
      summary: 'Who is calling, and what it may do',
      responses: { 200: { description: 'The caller', schema: whoAnswer } },
      handler: ({ caller }) =>
        json({
          role: caller.role,
          scopes: scopesOf(caller),
          key_id: caller.keyId,
          user: caller.login?.user ?? null,
          mode: people.listLogins().find(({ id }) => id === caller.login?.id)?.mode ?? null,
          passwords: people.listUsers().length > 0,
        }),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/login',
      role: 'none',
      summary: 'Signs in with a name and a password; the browser gets a cookie that scripts cannot read',
      body: z.strictObject({
        user: z.string().max(100),
        password: z.string().max(1024),
        mode: z.enum(loginModes).default('tab').describe('lasting: kept when the browser is closed'),
      }),
      unrepeatable: carriesPassword,
      responses: { 200: { description: 'Signed in', schema: signedIn } },
      handler: async ({ body, caller }) => {
        const mode: LoginMode = body.mode;
        const issued = await people.login({ ...body, mode, client: caller.id });
        const { role } = people.listUsers().find(({ name }) => name === issued.login.user) ?? {};
        const cookie = { 'set-cookie': loginCookie(issued, tls), 'cache-control': 'no-store' };
        return json({ user: issued.login.user, role, mode }, 200, cookie);
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/logout',
      role: 'none',
      summary: 'Ends the login of the browser that asks',
      body: z.strictObject({}),
      responses: { 200: { description: 'Signed out', schema: z.object({ ended: z.boolean() }) } },
      handler: async ({ caller }) => {
        const ended = caller.login !== undefined && (await people.endLogin(caller.login.id, actorOf(caller)));
        return json({ ended }, 200, { 'set-cookie': noLoginCookie(tls) });
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/me/password',
      role: 'user',
      scope: 'any',
      summary: 'Gives whoever is signed in another password; ends the other logins of that person',
      body: z.strictObject({ current: z.string().max(1024), password }),
      unrepeatable: carriesPassword,
      responses: { 204: { description: 'Changed' } },
      handler: async ({ body, caller }) => {
        const { login, id: client } = caller;
        if (login === undefined) {
          throw new AppError('forbidden', 'Only who is signed in with a password has one to change.');
        }
        await people.changePassword({ ...body, login, client, by: actorOf(caller) });
        return new Response(null, { status: 204 });
      },
    }),
  ];
}

/** Users and their logins, for administrators. */
export function peopleRoutes({ people }: ModuleContext): RouteDefinition[] {
  const common = { role: 'admin', scope: 'admin', tag: 'access', errors: 'problem' } as const;
  const noUser = () => new AppError('not_found', 'There is no user of that name.');
  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/users',
      summary: 'Who may sign in with a password',
      responses: { 200: { description: 'Users', schema: z.object({ users: z.array(userRecord) }) } },
      handler: () => json({ users: people.listUsers() }),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/users',
      summary: 'Lets somebody sign in with a password',
      body: newUser,
      unrepeatable: carriesPassword,
      responses: { 201: { description: 'The user', schema: userRecord } },
      handler: async ({ body, caller }) => json(await people.addUser(body, actorOf(caller)), 201),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/users/:name/password',
      summary: 'Gives a user another password; ends the logins of the user',
      body: z.strictObject({ password }),
      unrepeatable: carriesPassword,
      responses: { 204: { description: 'Changed' } },
      handler: async ({ c, body, caller }) => {
        const name = c.req.param('name') ?? '';
        if (!(await people.setPassword(name, body.password, actorOf(caller)))) throw noUser();
        return new Response(null, { status: 204 });
      },
    }),
    defineRoute({
      ...common,
      method: 'DELETE',
      path: '/users/:name',
      summary: 'Removes a user and ends the logins of the user',
      responses: { 204: { description: 'Removed' } },
      handler: async ({ c, caller }) => {
        if (!(await people.removeUser(c.req.param('name') ?? '', actorOf(caller)))) throw noUser();
        return new Response(null, { status: 204 });
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/logins',
      summary: 'Who is signed in',
      responses: { 200: { description: 'Logins', schema: z.object({ logins: z.array(loginRecord) }) } },
      handler: () => json({ logins: people.listLogins() }),
    }),
    defineRoute({
      ...common,
      method: 'DELETE',
      path: '/logins/:id',
      summary: 'Ends a login at once',
      responses: { 204: { description: 'Ended' } },
      handler: async ({ c, caller }) => {
        if (!(await people.endLogin(c.req.param('id') ?? '', actorOf(caller))))
          throw new AppError('not_found', 'There is no login with that id.');
        return new Response(null, { status: 204 });
      },
    }),
  ];
}
