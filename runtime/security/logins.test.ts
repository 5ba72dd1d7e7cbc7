import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { base64url, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Logins } from './logins.js';

const HOUR_MS = 3_600_000;
const begin = Date.parse('2026-11-21T12:00:00Z');

let folder: string;
let file: string;
let time: { wall: number; mono: number; floor: number };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-logins-'));
  file = join(folder, 'logins.json');
  time = { wall: begin, mono: 5000, floor: 0 };
});
afterEach(() => rm(folder, { recursive: true }));

const open = (boot = 'a') =>
  Logins.open(file, {
    clock: { wallMs: () => time.wall, monotonicMs: () => time.mono },
    lifeMs: HOUR_MS,
    floorMs: time.floor,
    boot,
  });
const ada = (id = 'abcdefghijklmnop') => ({
  ...{ id, user: 'ada', mode: 'tab' as const, created_ms: time.wall },
});
const pass = (ms: number) => {
  time.wall += ms;
  time.mono += ms;
};

test('a login holds for its time, in the file only as what it is', async () => {
  const logins = await open();
  const { token, leftMs } = await logins.open(ada());
  expect(leftMs).toBe(HOUR_MS);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, 'utf8')).not.toContain(token.split('.')[2]);
  pass(HOUR_MS - 1);
  expect(logins.holds(ada().id)).toBe(true);
  expect(await logins.check(token)).toEqual({ login: { ...ada(), created_ms: begin } });
  pass(1);
  // Who listens to a socket sends no token again.
  expect(logins.holds(ada().id)).toBe(false);
  expect(await logins.check(token)).toBeNull();
  expect(logins.list()).toEqual([]);
});

test.each([-10, 10])(
  'setting the wall clock by %i years neither ends nor prolongs it, and issues the token anew',
  async (years) => {
    const logins = await open();
    const { token } = await logins.open(ada());
    pass(HOUR_MS / 2);
    time.wall += years * 365 * 24 * HOUR_MS;
    const { renewed } = (await logins.check(token))!;
    expect(renewed).toMatchObject({ leftMs: HOUR_MS / 2 });
    // The new one says what is right by the new clock, so it is not issued again.
    expect((await logins.check(renewed!.token))!.renewed).toBeUndefined();
    pass(HOUR_MS / 2);
    expect([await logins.check(renewed!.token), await logins.check(token)]).toEqual([null, null]);
  },
);

test('over a restart the wall clock counts, and the token is issued anew for the new run', async () => {
  const { token } = await (await open('a')).open(ada());
  time = { wall: begin + HOUR_MS / 4, mono: 10, floor: 0 };
  const again = await open('b');
  const { renewed } = (await again.check(token))!;
  expect(renewed?.leftMs).toBe((HOUR_MS * 3) / 4);
  pass((HOUR_MS * 3) / 4);
  expect(await again.check(renewed!.token)).toBeNull();
});

test.each([-10, 10])('a clock that was set by %i years in one run is right in the next', async (years) => {
  const logins = await open('a');
  const { token } = await logins.open(ada());
  pass(HOUR_MS / 2);
  time.wall += years * 365 * 24 * HOUR_MS;
  const { renewed } = (await logins.check(token))!;
  expect(logins.list()[0]!.created_ms).toBe(time.wall - HOUR_MS / 2);
  pass(HOUR_MS / 4);
  time.mono = 10;
  const again = await open('b');
  // Also for the browser that was not given the new token.
  for (const held of [renewed!.token, token]) {
    expect((await again.check(held))!.renewed?.leftMs).toBe(HOUR_MS / 4);
  }
  pass(HOUR_MS / 4);
  for (const held of [renewed!.token, token]) expect(await again.check(held)).toBeNull();
});

test('of changes at once none is lost: what one ends, no other brings back', async () => {
  const logins = await open();
  const ids = Array.from({ length: 12 }, (_, n) => `id${n}`.padEnd(16, 'x'));
  const tokens = await Promise.all(ids.map(async (id) => (await logins.open(ada(id))).token));
  expect(logins.list()).toHaveLength(12);
  time.wall += HOUR_MS * 24;
  await Promise.all([
    ...ids.slice(0, 6).map((id) => logins.end([id])),
    ...tokens.slice(6).map((token) => logins.check(token)),
    logins.open(ada('onemoreonemoreon')),
  ]);
  const left = [...ids.slice(6), 'onemoreonemoreon'];
  for (const list of [logins.list(), (await open('b')).list()])
    expect(list.map(({ id }) => id)).toEqual(left);
});

test('a clock that starts in the past after a restart does not bring back what was over when the newest event was recorded', async () => {
  const { token } = await (await open('a')).open(ada());
  time = { wall: 0, mono: 10, floor: begin + HOUR_MS };
  expect(await (await open('b')).check(token)).toBeNull();
});

test('a login that was ended does not hold, now and after a restart', async () => {
  const logins = await open();
  const { token } = await logins.open(ada());
  await logins.end(['unknown']);
  expect(await logins.check(token)).not.toBeNull();
  await logins.end([ada().id]);
  expect([await logins.check(token), await (await open('b')).check(token)]).toEqual([null, null]);
});

test('nothing holds that we did not sign, whatever it says', async () => {
  const logins = await open();
  const { token, login } = await logins.open(ada());
  const [head, body, signature] = token.split('.') as [string, string, string];
  const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
  expect(said).toMatchObject({ iss: 'arkalia-luna', sub: 'ada', jti: login.id, mode: 'tab' });
  const other = (fields: object, secret = 'x'.repeat(32)) =>
    new SignJWT({ ...said, ...fields }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret));
  const none = base64url.encode('{"alg":"none"}');
  const changed = base64url.encode(JSON.stringify({ ...said, sub: 'root' }));
  for (const forged of [
    ...['', 'x', 'a.b.c', `${none}.${body}.`, `${head}.${changed}.${signature}`, `${head}.${body}.`],
    ...[await other({}), await other({ life_ms: 1e15 }), `${token}x`],
  ]) {
    expect([forged, await logins.check(forged)]).toEqual([forged, null]);
  }
  // Signed by us, but without what a login needs, or for another user than the list says.
  const { secret } = JSON.parse(await readFile(file, 'utf8')) as { secret: string };
  const sign = (fields: object) =>
    new SignJWT({ ...said, ...fields })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(secret, 'base64url'));
  for (const fields of [{ sub: 'root' }, { boot: 1 }, { life_ms: -1 }, { iss: 'other' }, { mono_ms: 1e12 }]) {
    expect([fields, await logins.check(await sign(fields))]).toEqual([fields, null]);
  }
});

test('the 1,001st login ends the first', async () => {
  const logins = await open();
  const first = await logins.open(ada());
  const many = Array.from({ length: 999 }, (_, n) => ada(`n${n}`.padEnd(16, 'x')));
  await writeFile(
    file,
    JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), logins: [first.login, ...many] }),
  );
  const full = await open();
  expect(await full.check(first.token)).not.toBeNull();
  await full.open(ada('onemoreonemoreon'));
  expect([full.list().length, await full.check(first.token)]).toEqual([1000, null]);
});

test('a file that is not ours stops the start', async () => {
  await writeFile(file, '{"version":1,"secret":"short","logins":[]}');
  await expect(open()).rejects.toThrow('does not hold the logins');
});
