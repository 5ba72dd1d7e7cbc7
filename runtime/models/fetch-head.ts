import http from 'node:http';
import https from 'node:https';
import { AppError } from '../contracts/errors.js';

const redirectsMax = 5;
const urlCharsMax = 2048;
/** Longest silence: before the head, and between two pieces of the body. */
const idleMs = 60_000;

interface HeadRequest {
  url: string;
  headers: Record<string, string>;
  viaToken: string;
  signal: AbortSignal;
}

/**
 * Asks for a file and gives the head of the answer; the body is read from it. Redirects are followed to the same origin and to https only:
 * so a server that an administrator named cannot lead to a plain server inside this network.
 * @throws AppError `invalid_request` for an address that is none, `conflict` for a redirect that is not followed; Error of the network.
 */
export async function fetchHead({
  url,
  headers,
  viaToken,
  signal,
}: HeadRequest): Promise<http.IncomingMessage> {
  let target = readModelUrl(url);
  for (let redirects = 0; ; redirects += 1) {
    const message = await send(target, { ...headers, via: `1.1 arkalia-${viaToken}` }, signal);
    const { statusCode = 0 } = message;
    const { location } = message.headers;
    if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return message;
    message.destroy();
    const next = URL.canParse(location, target.href) ? new URL(location, target) : undefined;
    if (next === undefined || (next.origin !== target.origin && next.protocol !== 'https:'))
      throw new AppError(
        'conflict',
        `${target.host} redirects to where it is not followed: another host without https.`,
      );
    if (redirects === redirectsMax)
      throw new AppError('conflict', `${target.host} redirects more than ${redirectsMax} times.`);
    target = next;
  }
}

/** @throws AppError `invalid_request` for what is no address of a file. */
export function readModelUrl(text: string): URL {
  const url = text.length <= urlCharsMax && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    throw new AppError(
      'invalid_request',
      `Give an http or https address of at most ${urlCharsMax} characters, without a user or password.`,
    );
  return url;
}

function send(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? https : http).get(url, {
      agent: false,
      signal,
      timeout: idleMs,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'arkalia-luna', ...headers },
    });
    request.on('timeout', () =>
      request.destroy(Object.assign(new Error('the server is silent'), { code: 'ETIMEDOUT' })),
    );
    request.on('response', resolve);
    request.on('error', reject);
  });
}
