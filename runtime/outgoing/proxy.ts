import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { OutgoingError } from '../contracts/outgoing.js';
import { bare, type HostList } from './hosts.js';
import { addressFor, type Destination, type Resolver, systemResolver } from './resolve.js';

const connectionsMax = 32;
const idleMs = 60_000;
const lifeMs = 600_000;
const headersMs = 10_000;

export interface ProxyOptions {
  hosts: HostList;
  /** Most that one connection may bring in. */
  bytesMax: number;
  onProblem(error: Error): void;
  /** For tests: another resolver than the system's. */
  resolve?: Resolver;
}

/** A proxy on a Unix socket that only whoever was told its name can find. */
export interface WayOut {
  socket: string;
  close(): void;
}

/** Headers that belong to one connection (RFC 9110, 7.6.1), and what is for proxies only. */
const hop = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  ...['proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'host'],
]);

/**
 * For sandboxed programs without a network: CONNECT and plain HTTP requests to listed hosts, each resolved once and connected to the very
 * address that was checked, bounded in bytes, silence, life and number. Redirects go back to the program, which comes again with them.
 */
export function openProxy(options: ProxyOptions): WayOut {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-proxy-'));
  // The sandboxed user must pass; nobody may list what is in it.
  chmodSync(folder, 0o711);
  const socket = join(folder, `${randomBytes(16).toString('hex')}.sock`);
  const open = new Set<Duplex>();
  const server = http.createServer({ headersTimeout: headersMs, keepAliveTimeout: 1000 });
  server.maxConnections = connectionsMax;
  server.on('connection', (one: Socket) => {
    open.add(one);
    one.setTimeout(idleMs, () => one.destroy());
    const life = setTimeout(() => one.destroy(), lifeMs);
    one.on('close', () => {
      clearTimeout(life);
      open.delete(one);
    });
  });
  server.on('request', (request, response) => {
    forward(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(statusOf(error), { connection: 'close' }).end(wordsOf(error));
    });
  });
  server.on('connect', (request, inside: Duplex, head: Buffer) => {
    inside.on('error', () => inside.destroy());
    tunnel(request, inside, head, options).catch((error: unknown) => {
      inside.end(`HTTP/1.1 ${statusOf(error)} Refused\r\nconnection: close\r\n\r\n${wordsOf(error)}`);
    });
  });
  server.on('error', options.onProblem);
  server.listen({ path: socket, readableAll: true, writableAll: true });
  return {
    socket,
    close: () => {
      server.close();
      for (const one of open) one.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function dial(to: Destination, { hosts, resolve, bytesMax }: ProxyOptions): Promise<Socket> {
  const address = await addressFor(to, hosts, resolve ?? systemResolver);
  return new Promise((settle, reject) => {
    const outside = connect({ host: address, port: to.port });
    outside.setTimeout(idleMs, () => outside.destroy());
    outside.once('connect', () => settle(outside));
    outside.once('error', () => reject(new OutgoingError('unreachable', 'The host did not answer.')));
    outside.on('data', () => {
      if (outside.bytesRead > bytesMax) outside.destroy();
    });
    outside.pause();
  });
}

async function tunnel(
  request: http.IncomingMessage,
  inside: Duplex,
  head: Buffer,
  options: ProxyOptions,
): Promise<void> {
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:/?#@]+):(\d{1,5})$/.exec(request.url ?? '') ?? [];
  // As a URL reads it, so that each form of an address is that address.
  if (host === undefined || Number(port) > 65_535 || !URL.canParse(`https://${host}/`))
    throw new OutgoingError('bad_url', 'That is no host and port.');
  const name = bare(new URL(`https://${host}/`).hostname);
  const outside = await dial({ host: name, port: Number(port), scheme: 'https' }, options);
  outside.on('error', () => inside.destroy());
  outside.on('close', () => inside.destroy());
  inside.on('close', () => outside.destroy());
  inside.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (head.length > 0) outside.write(head);
  inside.pipe(outside);
  outside.pipe(inside);
}

async function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  options: ProxyOptions,
): Promise<void> {
  const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
  if (url === undefined || url.protocol !== 'http:' || url.username !== '' || url.password !== '')
    throw new OutgoingError('bad_url', 'That is no http URL.');
  const port = url.port === '' ? 80 : Number(url.port);
  const outside = await dial({ host: bare(url.hostname), port, scheme: 'http' }, options);
  const kept = Object.entries(request.headers).filter(([name]) => !hop.has(name));
  const asked = http.request({
    createConnection: () => outside,
    method: request.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers: { ...Object.fromEntries(kept), host: url.host, connection: 'close' },
  });
  // It was held until somebody listens.
  asked.on('socket', () => outside.resume());
  response.on('close', () => outside.destroy());
  request.pipe(asked);
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    asked.on('response', resolve);
    asked.on('error', () => reject(new OutgoingError('unreachable', 'The host did not answer.')));
  });
  const back = Object.entries(answer.headers).filter(([name]) => !hop.has(name));
  response.writeHead(answer.statusCode ?? 502, { ...Object.fromEntries(back), connection: 'close' });
  answer.on('error', () => response.destroy());
  answer.pipe(response);
}

const statusOf = (error: unknown): number =>
  error instanceof OutgoingError && error.code !== 'unreachable' && error.code !== 'unresolved' ? 403 : 502;
const wordsOf = (error: unknown): string => (error instanceof OutgoingError ? error.message : 'It failed.');
