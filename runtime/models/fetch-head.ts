import http from 'node:http';
import https from 'node:https';
import { AppError } from '../contracts/errors.js';
import { OutgoingError } from '../contracts/outgoing.js';
import type { HostList } from '../outgoing/hosts.js';
import {
  destinationOf,
  openAddressFor,
  type Resolver,
  systemResolver,
  unlessAborted,
} from '../outgoing/resolve.js';

const redirectsMax = 5;
const urlCharsMax = 2048;
/** Longest silence: before the head, and between two pieces of the body. */
const idleMs = 60_000;

/** Where a fetch may lead, beside public addresses of the host that was named. */
export interface PullRules {
  /** Hosts to which a server may redirect, and addresses that are not public. */
  hosts: HostList;
  /** For tests: another resolver than the system's, and authorities that are trusted beside its own. */
  resolve?: Resolver;
  ca?: string;
}

interface HeadRequest extends PullRules {
  url: string;
  headers: Record<string, string>;
  viaToken: string;
  signal: AbortSignal;
}

/**
 * Asks for a file and gives the head of the answer; the body is read from it. A name is resolved once, its address is what is connected to,
 * and one that is not public must be listed. Redirects are followed on the same origin and to listed hosts, each time checked anew, so a
 * server that an administrator named cannot lead elsewhere.
 * @throws AppError `invalid_request` for an address that is none, `conflict` for where it may not lead; Error of the network.
 */
export async function fetchHead(request: HeadRequest): Promise<http.IncomingMessage> {
  let target = readModelUrl(request.url);
  for (let redirects = 0; ; redirects += 1) {
    const message = await send(target, request, await addressOf(target, request));
    const { statusCode = 0 } = message;
    const { location } = message.headers;
    if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return message;
    message.destroy();
    const next = URL.canParse(location, target.href) ? new URL(location, target) : undefined;
    if (next === undefined || !mayFollow(target, next, request.hosts))
      throw new AppError(
        'conflict',
        `${target.host} redirects to ${next === undefined ? 'what is no address' : `${next.protocol}//${next.host}`}, which is not followed: add that host to models.pull_hosts if you trust it.`,
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

/** On the same origin, or to a listed host without giving up encryption. */
function mayFollow(from: URL, to: URL, hosts: HostList): boolean {
  if (to.origin === from.origin) return true;
  if (!/^https?:$/.test(to.protocol) || (from.protocol === 'https:' && to.protocol !== 'https:'))
    return false;
  const { host, port, scheme } = destinationOf(to);
  return hosts.has(host, port, scheme);
}

async function addressOf(
  url: URL,
  { hosts, signal, resolve = systemResolver }: HeadRequest,
): Promise<string> {
  try {
    return await unlessAborted(signal, openAddressFor(destinationOf(url), hosts, resolve));
  } catch (error) {
    if (!(error instanceof OutgoingError) || error.code !== 'private_address') throw error;
    throw new AppError(
      'conflict',
      `${error.message} Add that address to models.pull_hosts if it may be asked.`,
    );
  }
}

function send(
  url: URL,
  { headers, viaToken, signal, ca }: HeadRequest,
  address: string,
): Promise<http.IncomingMessage> {
  const { host, port, scheme } = destinationOf(url);
  return new Promise((resolve, reject) => {
    const request = (scheme === 'https' ? https : http).get({
      host: address,
      port,
      // The certificate is held to the name that was asked for.
      servername: host === address ? '' : host,
      path: `${url.pathname}${url.search}`,
      agent: false,
      signal,
      timeout: idleMs,
      headers: {
        host: url.host,
        accept: '*/*',
        'accept-encoding': 'identity',
        'user-agent': 'arkalia-luna',
        via: `1.1 arkalia-${viaToken}`,
        ...headers,
      },
      ...(ca === undefined ? {} : { ca }),
    });
    request.on('timeout', () =>
      request.destroy(Object.assign(new Error('the server is silent'), { code: 'ETIMEDOUT' })),
    );
    request.on('response', resolve);
    request.on('error', reject);
  });
}
