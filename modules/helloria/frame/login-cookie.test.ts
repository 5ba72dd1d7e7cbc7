import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { loginCookie, loginToken, noLoginCookie } from './login-cookie.js';

const login = { id: 'i', user: 'ada', mode: 'lasting' as const, created_ms: 0 };

test('under TLS the cookie is Secure and bound to the host; without, it could not be', () => {
  const issued = { login, token: 't', leftMs: 1500 };
  expect(loginCookie(issued, true)).toBe(
    '__Host-arkalia_login=t; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=2',
  );
  expect(loginCookie(issued, false)).toBe('arkalia_login=t; Path=/; HttpOnly; SameSite=Strict; Max-Age=2');
  expect(loginCookie({ ...issued, login: { ...login, mode: 'tab' } }, false)).not.toContain('Max-Age');
  expect(noLoginCookie(true)).toMatch(/^__Host-arkalia_login=; .*Secure; Max-Age=0$/);
});

const token = (method: string, headers: Record<string, string>, tls = false) =>
  loginToken({
    method,
    headers: { host: 'luna.local:8000', ...headers },
    socket: tls ? { encrypted: true } : {},
  } as unknown as IncomingMessage);

test.each([
  ['GET', {}, 't'],
  ['HEAD', {}, 't'],
  ['GET', { origin: 'http://luna.local:8000' }, 't'],
  ['POST', { origin: 'HTTP://LUNA.local:8000' }, 't'],
  ['POST', {}, undefined],
  ['DELETE', {}, undefined],
  ['GET', { origin: 'http://luna.local:3000' }, undefined],
  ['POST', { origin: 'https://luna.local:8000' }, undefined],
  ['POST', { origin: 'null' }, undefined],
])('a cookie of %s with %j counts: %s', (method, headers, expected) => {
  expect(token(method, { ...headers, cookie: 'a=b; arkalia_login=t' })).toBe(expected);
});

test('a cookie that was set without TLS is none under TLS, and other cookies are none', () => {
  expect(token('GET', { cookie: 'arkalia_login=t' }, true)).toBeUndefined();
  expect(token('GET', { cookie: '__Host-arkalia_login=t' }, true)).toBe('t');
  expect(token('GET', { cookie: 'x_arkalia_login=t' })).toBeUndefined();
  expect(token('GET', {})).toBeUndefined();
});
