import { expect, test } from 'vitest';
import { hashPassword, isPassword } from './passwords.js';
import { PasswordTries } from './tries.js';

const MINUTES_MS = 60_000;
const wrong = async () => false;
const right = async () => true;
const limited = (retryAfterMs: unknown = expect.any(Number)) =>
  expect.objectContaining({ code: 'rate_limited', retryAfterMs });

function setUp() {
  const time = { ms: 0 };
  return { time, tries: new PasswordTries({ monotonicMs: () => time.ms }) };
}

test('five wrong passwords of one client are judged in 15 minutes, then not even a right one', async () => {
  const { time, tries } = setUp();
  for (let n = 0; n < 5; n++) expect(await tries.judge('address:192.0.2.1', 'ada', wrong)).toBe(false);
  time.ms = 5 * MINUTES_MS;
  await expect(tries.judge('address:192.0.2.1', 'ada', right)).rejects.toEqual(limited(10 * MINUTES_MS));
  expect(await tries.judge('address:192.0.2.2', 'ada', right)).toBe(true);
  time.ms = 15 * MINUTES_MS;
  expect(await tries.judge('address:192.0.2.1', 'ada', right)).toBe(true);
});

test('a right password begins anew, so that who knows it is never shut out by mistyping', async () => {
  const { tries } = setUp();
  for (let round = 0; round < 10; round++) {
    for (let n = 0; n < 4; n++) await tries.judge('a', 'ada', wrong);
    if (round < 12) expect(await tries.judge('a', 'ada', right)).toBe(true);
  }
});

test('guesses at one user from many addresses are bounded, and do not shut out another', async () => {
  const { tries } = setUp();
  for (let n = 0; n < 50; n++) await tries.judge(`address:10.0.0.${n}`, 'ada', wrong);
  await expect(tries.judge('address:10.0.1.1', 'ada', right)).rejects.toEqual(limited());
  expect(await tries.judge('address:10.0.1.1', 'bob', right)).toBe(true);
});

test('all addresses of one IPv6 network are one client, those of another are another', async () => {
  const { tries } = setUp();
  for (let n = 0; n < 5; n++) await tries.judge(`address:2001:db8:1:2:${n}::1`, undefined, wrong);
  await expect(tries.judge('address:2001:db8:1:2:ffff::9', undefined, right)).rejects.toEqual(limited());
  expect(await tries.judge('address:2001:db8:1:3::1', undefined, right)).toBe(true);
  for (let n = 0; n < 5; n++) await tries.judge('address:::ffff:192.0.2.1', undefined, wrong);
  expect(await tries.judge('address:::ffff:192.0.2.2', undefined, right)).toBe(true);
});

test('many at once are no more tries than one after the other, and two hashes at once', async () => {
  const { tries } = setUp();
  let [running, most, judged] = [0, 0, 0];
  const slow = async () => {
    running += 1;
    judged += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return false;
  };
  const all = await Promise.allSettled(Array.from({ length: 40 }, () => tries.judge('a', 'ada', slow)));
  expect([most, judged]).toEqual([2, 2]);
  expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(38);
});

test('a password is kept as scrypt with its parameters; two forms of one accent are one password', async () => {
  const stored = await hashPassword('caf\u00e9 cr\u00e8me');
  expect(stored).toMatchObject({ n: 32_768, r: 8, p: 3 });
  expect((await hashPassword('caf\u00e9 cr\u00e8me')).hash).not.toBe(stored.hash);
  expect(await isPassword('cafe\u0301 cre\u0300me', stored)).toBe(true);
  expect(await isPassword('cafe creme', stored)).toBe(false);
  expect(await isPassword('', undefined)).toBe(false);
});
