import http from 'node:http';
import https from 'node:https';
import { type Outgoing, type OutgoingAnswer, OutgoingError } from '../contracts/outgoing.js';
import type { HostList } from './hosts.js';
import { addressFor, destinationOf, type Resolver, systemResolver, unlessAborted } from './resolve.js';

const urlCharsMax = 2048;
const redirectsMax = 3;

export interface OutgoingOptions {
  /** Which hosts may be asked; see `addressFor` for addresses that are not public. */
  hosts: HostList;
  /** Longest body taken. */
  bytesMax: number;
  /** All of it: name, connection, redirects, body. */
  timeoutMs: number;
  /** For tests: another resolver than the system's, and authorities that are trusted beside its own. */
  resolve?: Resolver;
  ca?: string;
}

/** Requests to the outside through one narrow door: listed hosts, one resolved address, no redirect elsewhere, bounded in bytes and time. */
export function createOutgoing(options: OutgoingOptions): Outgoing {
  return {
    async get(url, signal) {
      const ending = new AbortController();
      const end = (code: 'timeout' | 'aborted', text: string) => ending.abort(new OutgoingError(code, text));
      const abort = () => end('aborted', 'The request was given up.');
      const late = `The request took longer than ${options.timeoutMs} ms.`;
      const timer = setTimeout(() => end('timeout', late), options.timeoutMs);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
      try {
        return await follow(readUrl(url), options, ending.signal);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      }
    },
  };
}

function readUrl(text: string): URL {
  if (text.length > urlCharsMax || !URL.canParse(text))
    throw new OutgoingError('bad_url', `That is no URL of at most ${urlCharsMax} characters.`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OutgoingError('bad_url', 'Only http and https are asked.');
  if (url.username !== '' || url.password !== '')
    throw new OutgoingError('bad_url', 'A URL with a user or a password is not asked.');
  return url;
}

async function follow(first: URL, options: OutgoingOptions, signal: AbortSignal): Promise<OutgoingAnswer> {
  let url = first;
  for (let redirects = 0; ; redirects += 1) {
    const message = await send(url, options, signal);
    const { statusCode: status = 0, headers } = message;
    if (![301, 302, 303, 307, 308].includes(status) || headers.location === undefined)
      return { status, type: headers['content-type'] ?? '', text: await readBody(message, options, signal) };
    message.destroy();
    const next = URL.canParse(headers.location, url.href) ? new URL(headers.location, url) : undefined;
    if (next === undefined || next.origin !== url.origin)
      throw new OutgoingError('redirect', `${url.host} redirects to another host, which is not followed.`);
    if (redirects === redirectsMax)
      throw new OutgoingError('redirect', `${url.host} redirects more than ${redirectsMax} times.`);
    url = next;
  }
}

/** The head of the answer to one request, over a connection of its own to an address that was checked. */
async function send(url: URL, options: OutgoingOptions, signal: AbortSignal): Promise<http.IncomingMessage> {
  const to = destinationOf(url);
  const address = await unlessAborted(
    signal,
    addressFor(to, options.hosts, options.resolve ?? systemResolver),
  );
  return new Promise((resolve, reject) => {
    const module = to.scheme === 'https' ? https : http;
    const request = module.request({
      host: address,
      port: to.port,
      // The certificate is held to the name that was asked for.
      servername: to.host === address ? '' : to.host,
      path: `${url.pathname}${url.search}`,
      agent: false,
      signal,
      headers: { host: url.host, accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'arkalia-luna' },
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
    request.on('response', resolve);
    request.on('error', (error) => reject(failureOf(error, signal)));
    request.end();
  });
}

async function readBody(
  message: http.IncomingMessage,
  { bytesMax }: OutgoingOptions,
  signal: AbortSignal,
): Promise<string> {
  const encoding = message.headers['content-encoding'] ?? 'identity';
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (encoding !== 'identity')
      throw new OutgoingError('unreadable', 'The answer is compressed, which was not asked for.');
    for await (const chunk of message) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > bytesMax)
        throw new OutgoingError('too_long', `The answer is longer than ${bytesMax} bytes.`);
    }
  } catch (error) {
    throw failureOf(error, signal);
  } finally {
    message.destroy();
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function failureOf(error: unknown, signal: AbortSignal): OutgoingError {
  if (error instanceof OutgoingError) return error;
  if (signal.aborted) return signal.reason as OutgoingError;
  const code = (error as NodeJS.ErrnoException).code ?? 'no reason given';
  return new OutgoingError('unreachable', `The host did not answer (${code}).`);
}
