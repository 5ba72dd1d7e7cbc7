import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';
import { problemOf, type RawAnswer, send, sendJson } from './raw.js';

const secret = 'correct horse battery';
let appliance: TestAppliance;
let dataDir: string;
let url: string;
let own: string;

const start = async (flags: string[] = []) => {
  appliance = await TestAppliance.start({ dataDir, flags, env: { ARKALIA_ZEROIA_ACT: 'false' } });
  url = appliance.url.replace('0.0.0.0', '127.0.0.1');
  own = url;
};
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-login-'));
  await start();
});
afterEach(async () => {
  await appliance.close();
  await rm(dataDir, { recursive: true });
});

async function addUser(name: string, role: string): Promise<void> {
  const env = { USER_PASSWORD: secret };
  const made = await cli(['users', 'add', name, '--role', role, '--data', dataDir], { cwd: dataDir, env });
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining(`Added ${name} (${role})`)]);
}

const login = (user: string, password = secret, more: object = {}) =>
  sendJson(url, '/login', { user, password, ...more }, { origin: own });
/** The cookie that an answer sets, as a browser sends it back. */
const cookieOf = ({ headers }: RawAnswer) => headers['set-cookie']?.[0]?.split(';')[0] ?? '';
const as = (cookie: string, more: Record<string, string> = {}) => ({ cookie, origin: own, ...more });
const eventTypes = async () => {
  const { text } = await send(url, { path: '/ledger/events?limit=1000' });
  return { text, types: (JSON.parse(text) as { events: { type: string }[] }).events.map(({ type }) => type) };
};

test('who signs in may do what the role may, by a cookie that no script and no other site gets', async () => {
  await addUser('ada', 'admin');
  const answer = await login('ada');
  expect([answer.status, JSON.parse(answer.text)]).toEqual([
    200,
    { user: 'ada', role: 'admin', mode: 'tab' },
  ]);
  expect(answer.headers['set-cookie']).toEqual([
    expect.stringMatching(/^arkalia_login=[\w-]+\.[\w-]+\.[\w-]+; Path=\/; HttpOnly; SameSite=Strict$/),
  ]);
  const cookie = cookieOf(answer);
  expect((await send(url, { path: '/keys', headers: as(cookie) })).status).toBe(200);
  const me = JSON.parse((await send(url, { path: '/me', headers: as(cookie) })).text) as object;
  expect(me).toMatchObject({ role: 'admin', user: 'ada', mode: 'tab', key_id: null, passwords: true });
  const lasting = await login('ada', secret, { mode: 'lasting' });
  expect(lasting.headers['set-cookie']?.[0]).toMatch(/; Max-Age=432\d\d$/);
  // Nothing of it lies where it could be read.
  for (const file of ['users.json', 'logins.json']) {
    expect((await stat(join(dataDir, file))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(dataDir, file), 'utf8')).not.toContain(secret);
  }
  const { text, types } = await eventTypes();
  expect(types).toEqual(expect.arrayContaining(['user_added', 'login_opened']));
  expect(text).not.toMatch(/\bada\b|correct horse/);
});

test('a cookie alone does nothing: what changes something must come from our own page', async () => {
  await addUser('ada', 'admin');
  const cookie = cookieOf(await login('ada'));
  const make = (headers: Record<string, string>) =>
    sendJson(url, '/keys', { name: 'x', role: 'user' }, headers);
  expect((await make(as(cookie))).status).toBe(201);
  // Without an Origin it is nobody's; a form of another site, another port of this host, or a page of none is refused.
  expect((await make({ cookie })).status).toBe(401);
  for (const origin of [
    'http://evil.example',
    own.replace(/\d+$/, '1'),
    'null',
    own.replace('http', 'https'),
  ]) {
    expect([origin, (await make({ cookie, origin })).status]).toEqual([origin, 403]);
  }
  const form = await send(url, {
    ...{ method: 'POST', path: '/keys', body: 'name=x&role=admin' },
    headers: as(cookie, { 'content-type': 'application/x-www-form-urlencoded' }),
  });
  expect(form.status).toBe(415);
  const open = (origin: string) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['arkalia.v1'], {
        headers: { cookie, origin },
      });
      socket.on('message', (data: Buffer) => {
        resolve((JSON.parse(String(data)) as { role: string }).role === 'admin' ? 200 : 0);
        socket.terminate();
      });
      socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode ?? 0));
      socket.on('error', () => resolve(0));
    });
  expect([await open(own), await open('http://evil.example')]).toEqual([200, 403]);
});

test('an origin that may call us does not get the rights of who is signed in', async () => {
  await addUser('ada', 'admin');
  const cookie = cookieOf(await login('ada'));
  await appliance.close();
  appliance = await TestAppliance.start({
    dataDir,
    env: { ARKALIA_ZEROIA_ACT: 'false', ARKALIA_HTTP_CORS_ORIGINS: 'https://home.example' },
  });
  ({ url } = appliance);
  const headers = { cookie, origin: 'https://home.example' };
  expect((await send(url, { path: '/keys', headers })).status).toBe(401);
  // Its own page over the restart: the login still holds, and gets a token of this run.
  const again = await send(url, { path: '/keys', headers: { cookie, origin: url } });
  expect([again.status, cookieOf(again)]).toEqual([200, expect.stringMatching(/^arkalia_login=ey/)]);
  expect(cookieOf(again)).not.toBe(cookie);
});

test('signing out, ending a login, another password and removal each end it at once', async () => {
  await addUser('ada', 'operator');
  await addUser('root', 'admin');
  const admin = cookieOf(await login('root'));
  const config = (cookie: string) => send(url, { path: '/nyxalia/config', headers: as(cookie) });
  const first = cookieOf(await login('ada'));
  expect((await config(first)).status).toBe(200);
  expect((await send(url, { path: '/logins', headers: as(first) })).status).toBe(403);
  const out = await sendJson(url, '/logout', {}, as(first));
  expect([out.status, out.headers['set-cookie']?.[0]]).toEqual([
    200,
    'arkalia_login=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0',
  ]);
  expect((await config(first)).status).toBe(401);

  const second = cookieOf(await login('ada'));
  const { text } = await send(url, { path: '/logins', headers: as(admin) });
  const { logins } = JSON.parse(text) as { logins: { id: string; user: string }[] };
  const { id } = logins.find(({ user }) => user === 'ada')!;
  const end = () => send(url, { method: 'DELETE', path: `/logins/${id}`, headers: as(admin) });
  expect([(await end()).status, (await end()).status]).toEqual([204, 404]);
  expect((await config(second)).status).toBe(401);

  const third = cookieOf(await login('ada'));
  const argv = ['users', 'password', 'ada', '--password-file', join(dataDir, 'new'), '--data', dataDir];
  await writeFile(join(dataDir, 'new'), 'another long password\n');
  expect((await cli(argv, { cwd: dataDir })).code).toBe(0);
  expect((await config(third)).status).toBe(401);
  expect((await login('ada')).status).toBe(401);

  const fourth = cookieOf(await login('ada', 'another long password'));
  expect((await cli(['users', 'remove', 'ada', '--data', dataDir], { cwd: dataDir })).code).toBe(0);
  expect((await config(fourth)).status).toBe(401);
  expect((await login('ada', 'another long password')).status).toBe(401);
  const { types } = await eventTypes();
  for (const type of ['login_ended', 'password_changed', 'user_removed']) expect(types).toContain(type);
  expect((await cli(['users', 'list', '--data', dataDir], { cwd: dataDir })).stdout).toMatch(
    /^admin {5}user:[a-z0-9]{10} {2}root\n$/,
  );
});

test('people change their own password: with the current one, and every other login of theirs ends', async () => {
  for (const name of ['ada', 'bob']) await addUser(name, 'user');
  const bob = cookieOf(await login('bob'));
  const [mine, other] = [cookieOf(await login('ada')), cookieOf(await login('ada'))];
  const next = 'a second long password';
  const change = (current: string, password: string, headers: Record<string, string>) =>
    sendJson(url, '/me/password', { current, password }, headers);
  const userOf = async (cookie: string) =>
    (JSON.parse((await send(url, { path: '/me', headers: as(cookie) })).text) as { user: string | null })
      .user;
  // Not without signing in, not from another site, not without the current one, no short one.
  expect((await change(secret, next, {})).status).toBe(403);
  expect((await change(secret, next, { cookie: mine })).status).toBe(403);
  expect((await change(secret, next, { cookie: mine, origin: 'http://evil.example' })).status).toBe(403);
  const wrong = await change('wrong wrong wrong', next, as(mine));
  expect([wrong.status, problemOf(wrong).detail]).toEqual([403, 'The current password is wrong.']);
  expect((await change(secret, 'short', as(mine))).status).toBe(400);
  expect(await userOf(other)).toBe('ada');

  expect((await change(secret, next, as(mine))).status).toBe(204);
  expect([await userOf(mine), await userOf(other), await userOf(bob)]).toEqual(['ada', null, 'bob']);
  expect([(await login('ada')).status, (await login('ada', next)).status]).toEqual([401, 200]);
  const { text } = await send(url, { path: '/ledger/events?type=password_changed' });
  const [event] = (JSON.parse(text) as { events: { data: { by: string } }[] }).events;
  expect(event!.data.by).toMatch(/^login:[\w-]{16}$/);
  const { types, text: all } = await eventTypes();
  expect(types.filter((type) => type === 'login_ended')).toHaveLength(1);
  expect(all).not.toMatch(/\b(ada|bob)\b|long password/);
});

test('of two changes of one password at once the first holds', async () => {
  await addUser('ada', 'user');
  const cookie = cookieOf(await login('ada'));
  const wanted = ['the first new password', 'the second new password'];
  const answers = await Promise.all(
    wanted.map((password) => sendJson(url, '/me/password', { current: secret, password }, as(cookie))),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([204, 403]);
  const held = wanted[answers.findIndex(({ status }) => status === 204)]!;
  expect((await login('ada', held)).status).toBe(200);
});

test('who is signed in may guess the current password five times', async () => {
  for (const name of ['ada', 'bob']) await addUser(name, 'user');
  const [ada, bob] = [cookieOf(await login('ada')), cookieOf(await login('bob'))];
  const next = 'a second long password';
  const guess = (cookie: string, current: string) =>
    sendJson(url, '/me/password', { current, password: next }, as(cookie));
  const tries = [];
  for (let n = 0; n < 6; n++) tries.push(await guess(ada, `wrong number ${n}`));
  expect(tries.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 429]);
  const right = await guess(ada, secret);
  expect([right.status, Number(right.headers['retry-after']) > 800]).toEqual([429, true]);
  // Nobody else is kept from it.
  expect((await guess(bob, secret)).status).toBe(204);
});

test('five wrong passwords, then 429 with Retry-After, for a user that is there and for one that is not', async () => {
  await addUser('ada', 'user');
  const tries = [];
  for (let n = 0; n < 7; n++) tries.push(await login(n % 2 === 0 ? 'ada' : 'nobody', 'wrong wrong wrong'));
  expect(tries.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429]);
  const [one, other] = tries.map((answer) => problemOf(answer).detail);
  expect(one).toBe(other);
  expect(Number(tries[6]!.headers['retry-after'])).toBeGreaterThan(800);
  expect((await login('ada')).status).toBe(429);
});

test('setup may set an administrator’s password; it then opens the page without the key', async () => {
  await appliance.close();
  await start(['--host', '0.0.0.0']);
  const code = (await readFile(join(dataDir, 'setup-code'), 'utf8')).trim();
  const refused = await sendJson(url, '/setup', { code, password: 'short' }, { origin: own });
  expect([refused.status, problemOf(refused).detail]).toEqual([
    400,
    expect.stringContaining('10 characters'),
  ]);
  expect((await sendJson(url, '/setup', { code, password: secret }, { origin: own })).status).toBe(201);
  const cookie = cookieOf(await login('admin'));
  expect((await send(url, { path: '/users', headers: as(cookie) })).status).toBe(200);
});

test('users are refused by name, twice, with a short password, and through the folder without a server', async () => {
  await appliance.close();
  const add = (name: string, password: string) =>
    cli(['users', 'add', name, '--data', dataDir], { cwd: dataDir, env: { USER_PASSWORD: password } });
  expect((await add('ada', secret)).code).toBe(0);
  expect(await add('ada', secret)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is a user'),
  });
  expect(await add('Ada Lovelace', secret)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('name'),
  });
  expect(await add('bob', 'short')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('10 characters'),
  });
  await start();
  expect((await login('ada')).status).toBe(200);
});

test('each person has their own conversations and decisions, under an id that is no name; a name that comes again is somebody else', async () => {
  for (const name of ['ada', 'bob']) await addUser(name, 'user');
  const people = { ada: cookieOf(await login('ada')), bob: cookieOf(await login('bob')) };
  const say = (cookie: string, message: string) =>
    sendJson(url, '/chat', { session_id: 'mine', message }, as(cookie));
  const sessions = async (headers: Record<string, string>) => {
    const { text } = await send(url, { path: '/sessions', headers });
    return (JSON.parse(text) as { sessions: { answers: number }[] }).sessions.map(({ answers }) => answers);
  };
  expect((await say(people.ada, 'How are you? typedADA')).status).toBe(200);
  await say(people.bob, 'How are you? typedBOB');
  await say(people.bob, 'And now? typedBOB');
  expect([await sessions(as(people.ada)), await sessions(as(people.bob)), await sessions({})]).toEqual([
    [1],
    [2],
    [],
  ]);
  const decided = await sendJson(
    url,
    '/zeroia/decisions',
    { cpu: 90, ram: 40, severity: 'high' },
    as(people.ada),
  );
  expect(decided.status).toBe(200);
  // The bytes behind a receipt are for whom it is of; an operator reads all, and texts only an administrator.
  const answered = await say(people.ada, 'How are you? typedADA');
  const receiptOf = ({ text }: RawAnswer) =>
    (JSON.parse(text) as { receipt: { index: number; leaf_hash: string } }).receipt;
  for (const { index, leaf_hash } of [receiptOf(answered), receiptOf(decided)]) {
    const path = `/ledger/entry?index=${index}`;
    const own = await fetch(url + path, { headers: { cookie: people.ada } });
    const bytes = Buffer.concat([Buffer.of(0), Buffer.from(await own.arrayBuffer())]);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(leaf_hash);
    expect((await send(url, { path, headers: as(people.bob) })).status).toBe(404);
    expect((await send(url, { path })).status).toBe(200);
    const texts = `/ledger/texts?index=${index}`;
    expect((await send(url, { path: texts, headers: as(people.ada) })).status).toBe(403);
    expect((await send(url, { path: texts })).status).toBe(401);
  }
  expect((await send(url, { path: '/ledger/entry?index=999999', headers: as(people.ada) })).status).toBe(404);
  const { text } = await eventTypes();
  expect(text).toMatch(/"posted:user:[a-z0-9]{10}"/);
  expect(text).not.toMatch(/\b(ada|bob)\b/);
  // The id is what the texts of a person are erased by.
  const list = await cli(['users', 'list', '--data', dataDir], { cwd: dataDir });
  const owner = /(user:\S+) {2}bob/.exec(list.stdout)![1]!;
  const erased = await cli(['erase', '--key', owner, '--data', dataDir], { cwd: dataDir });
  expect([erased.code, await sessions(as(people.bob)), await sessions(as(people.ada))]).toEqual([0, [], [2]]);

  await cli(['users', 'remove', 'ada', '--data', dataDir], { cwd: dataDir });
  await addUser('ada', 'user');
  expect(await sessions(as(cookieOf(await login('ada'))))).toEqual([]);
});

test('a file of users from before they had ids is read, and each has the same id from then on', async () => {
  await addUser('ada', 'user');
  await appliance.close();
  const file = join(dataDir, 'users.json');
  const { users } = JSON.parse(await readFile(file, 'utf8')) as { users: Record<string, unknown>[] };
  const before = users.map(({ id: _, ...user }) => user);
  await writeFile(file, JSON.stringify({ version: 1, users: before }));
  const list = async () => (await cli(['users', 'list', '--data', dataDir], { cwd: dataDir })).stdout;
  const first = await list();
  expect(first).toMatch(/^user {6}user:[a-z0-9]{10} {2}ada\n$/);
  await start();
  expect(await list()).toBe(first);
  expect((await login('ada')).status).toBe(200);
});
