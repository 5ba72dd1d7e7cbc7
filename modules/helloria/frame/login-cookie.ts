import type { IncomingMessage } from 'node:http';
import type { IssuedLogin } from '../../../runtime/contracts/people.js';

/** Under TLS the prefix binds the cookie to this host and to https (RFC 6265bis). */
const nameOf = (tls: boolean) => (tls ? '__Host-arkalia_login' : 'arkalia_login');

const attributes = (tls: boolean) => `Path=/; HttpOnly; SameSite=Strict${tls ? '; Secure' : ''}`;

/** The Set-Cookie header that has the browser keep a login's token. */
export function loginCookie({ token, login, leftMs }: IssuedLogin, tls: boolean): string {
  const lasts = login.mode === 'lasting' ? `; Max-Age=${Math.ceil(leftMs / 1000)}` : '';
  return `${nameOf(tls)}=${token}; ${attributes(tls)}${lasts}`;
}

/** The one that has it forget it. */
export function noLoginCookie(tls: boolean): string {
  return `${nameOf(tls)}=; ${attributes(tls)}; Max-Age=0`;
}

const safeMethods = ['GET', 'HEAD'];

/**
 * The token in the login cookie of a request. A cookie comes by itself, so it counts only where our own page sent it: with our own Origin, which a
 * browser states with everything but a plain GET, and never with a foreign one, even where that may call us. SameSite=Strict keeps the
 * cookie from other sites; pages on another port of this host are the same site, and this stops them.
 */
export function loginToken({ headers, method, socket }: IncomingMessage): string | undefined {
  const { cookie, origin, host } = headers;
  if (cookie === undefined) return undefined;
  const tls = 'encrypted' in socket;
  const isOurs =
    origin === undefined
      ? safeMethods.includes(method ?? '')
      : origin.toLowerCase() === `${tls ? 'https' : 'http'}://${(host ?? '').toLowerCase()}`;
  if (!isOurs) return undefined;
  const start = `${nameOf(tls)}=`;
  const found = cookie.split('; ').find((pair) => pair.startsWith(start));
  return found?.slice(start.length);
}
