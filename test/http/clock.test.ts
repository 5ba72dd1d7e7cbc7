import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { faketimeLibrary, WallClock } from '../support/faketime.js';
import { cli } from './cli.js';
import { type RawAnswer, send, sendJson } from './raw.js';

const dayMs = 86_400_000;
const secret = 'correct horse battery';
const has = faketimeLibrary() !== undefined;
if (!has) console.error('libfaketime is not installed: no clock was set under a running server');

let clock: WallClock;
let appliance: TestAppliance;
beforeEach(async () => {
  if (!has) return;
  clock = new WallClock();
  appliance = await TestAppliance.start({ env: { ...clock.env, ARKALIA_ZEROIA_ACT: 'false' } });
});
afterEach(async () => {
  await appliance?.close();
  clock?.remove();
});

/** Sets the clock and waits until the server has seen it. */
async function setClock(offset: string, offMs: number): Promise<void> {
  clock.set(offset);
  for (;;) {
    const { headers } = await send(appliance.url, { path: '/health' });
    if (Math.abs(Date.parse(headers.date ?? '') - Date.now() - offMs) < dayMs / 2) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const cookieOf = ({ headers }: RawAnswer) => headers['set-cookie']?.[0]?.split(';')[0] ?? '';
const claimsOf = (cookie: string) =>
  JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString()) as Record<string, number>;

describe.runIf(has)('a wall clock that is set under the running server', () => {
  test('ends no login: the cookie holds, and another is issued that says the time as it is now', async () => {
    const { url, dataDir } = appliance;
    const made = await cli(['users', 'add', 'ada', '--role', 'admin', '--data', dataDir], {
      cwd: dataDir,
      env: { USER_PASSWORD: secret },
    });
    expect(made.code).toBe(0);
    const opened = await sendJson(url, '/login', { user: 'ada', password: secret }, { origin: url });
    let cookie = cookieOf(opened);
    const me = () => send(url, { path: '/me', headers: { cookie, origin: url } });
    expect(cookieOf(await me())).toBe('');
    // Far beyond the 12 hours of a login, and then long before it.
    for (const [offset, offMs] of [
      ['+30d', 30 * dayMs],
      ['-400d', -400 * dayMs],
      ['+0', 0],
    ] as const) {
      await setClock(offset, offMs);
      const before = cookie;
      const answer = await me();
      expect([offset, answer.status, JSON.parse(answer.text)]).toMatchObject([offset, 200, { user: 'ada' }]);
      cookie = cookieOf(answer);
      expect(cookie).not.toBe('');
      const [old, now] = [claimsOf(before), claimsOf(cookie)];
      expect(now).toMatchObject({ jti: old.jti, sub: old.sub, mode: old.mode, life_ms: old.life_ms });
      // The age is that of the monotonic clock: the login began where it began, and nothing was won.
      expect(now.mono_ms!).toBeCloseTo(old.mono_ms!, 3);
      expect(now.wall_ms! - old.wall_ms!).not.toBe(0);
      expect((await send(url, { path: '/keys', headers: { cookie, origin: url } })).status).toBe(200);
      expect(cookieOf(await me())).toBe('');
    }
    // Signed out, no clock brings it back.
    const out = await sendJson(url, '/logout', {}, { cookie, origin: url });
    expect(out.status).toBeLessThan(300);
    await setClock('-1d', -dayMs);
    expect((await send(url, { path: '/keys', headers: { cookie, origin: url } })).status).toBe(401);
  });

  test('does not make a request be done twice: what was answered is given again', async () => {
    const ask = async () => {
      const answer = await sendJson(
        appliance.url,
        '/chat',
        { message: 'Which version are you?' },
        { 'idempotency-key': 'once' },
      );
      const { receipt, replayed } = JSON.parse(answer.text) as {
        receipt: { index: number };
        replayed?: true;
      };
      return [answer.status, receipt.index, replayed ?? false];
    };
    const [status, index] = await ask();
    expect(status).toBe(200);
    await setClock('+30d', 30 * dayMs);
    expect(await ask()).toEqual([200, index, true]);
    await setClock('-400d', -400 * dayMs);
    expect(await ask()).toEqual([200, index, true]);
  });
});
