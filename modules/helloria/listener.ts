import { readFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Config } from '../../runtime/contracts/module.js';
import type { DirectRoutes } from './frame/direct.js';
import type { NodeEnv } from './frame/mount.js';
import { answerClientError, answerUnreadable } from './frame/unreadable.js';

/** How often a closing server looks for connections that have become idle. */
const idleSweepMs = 50;

interface Answering {
  app: Hono<NodeEnv>;
  direct: DirectRoutes;
  /** For requests that never reach the app. */
  nextRequestId: () => string;
  /** Takes the connection over from HTTP. */
  upgrade: (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** @throws Error that names both files when they cannot be read or do not belong together. */
function readCertificate({ tls_cert_file, tls_key_file }: Config['http']): { cert: Buffer; key: Buffer } {
  try {
    const pair = { cert: readFileSync(tls_cert_file!), key: readFileSync(tls_key_file!) };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `http.tls_cert_file ${tls_cert_file} and http.tls_key_file ${tls_key_file} cannot be used: ${reason}; they must be a PEM certificate chain and its private key`,
      { cause },
    );
  }
}

function adaptorServer(
  { app, direct, nextRequestId, upgrade }: Answering,
  http: Config['http'],
  tls: boolean,
): Server {
  const limits = {
    maxHeaderSize: http.header_limit_bytes,
    headersTimeout: http.headers_timeout_ms,
    requestTimeout: Math.max(http.body_timeout_ms, http.headers_timeout_ms),
    keepAliveTimeout: http.keep_alive_timeout_ms,
  };
  // A missing Host is answered by us, in our form. Node would take the first of several headers that may come once (Host,
  // Content-Type) and what stands before us perhaps the last; joined they are none that we know.
  const options = { ...limits, requireHostHeader: false, joinDuplicateHeaders: true };
  const listenHono = getRequestListener(app.fetch, {
    errorHandler: (cause) => answerUnreadable(cause, nextRequestId()),
  });
  const listener: RequestListener = (incoming, outgoing) => {
    if (!direct.serve(incoming, outgoing)) listenHono(incoming, outgoing);
  };
  const server = tls
    ? createHttpsServer({ ...options, ...readCertificate(http) }, listener)
    : createHttpServer(options, listener);
  server.on('clientError', (cause, socket) => answerClientError(cause, socket as Socket, nextRequestId()));
  server.on('upgrade', upgrade);
  server.maxConnections = http.connections_max;
  return server;
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** The TCP door and the control socket, both serving the same routes. */
export class Listener {
  readonly #http: Config['http'];
  readonly #tcp: Server;
  readonly #control: Server;
  readonly #controlPath: string;

  /** Connections without a request so far: browsers and clients open some in advance, and Node does not count them as idle. */
  readonly #unused = new Set<Socket>();

  constructor(answering: Answering, http: Config['http'], controlPath: string) {
    const tls = http.tls_cert_file !== undefined;
    this.#http = http;
    this.#controlPath = controlPath;
    this.#tcp = adaptorServer(answering, http, tls);
    this.#control = adaptorServer(answering, http, false);
    this.#watchUnused(this.#tcp, tls ? 'secureConnection' : 'connection');
    this.#watchUnused(this.#control, 'connection');
  }

  /** Whether a request came in by the control socket. */
  isControl(incoming: IncomingMessage): boolean {
    return (incoming.socket as { server?: unknown }).server === this.#control;
  }

  /** @throws Error with what to do when the port is taken or the address is not ours. */
  async open(): Promise<void> {
    const { host, port } = this.#http;
    try {
      await listen(this.#tcp, { host, port });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE')
        throw new Error(`port ${port} on ${host} is taken; choose another with --port or http.port`, {
          cause: error,
        });
      if (code === 'EACCES')
        throw new Error(`port ${port} needs more rights; choose one above 1023 with --port or http.port`, {
          cause: error,
        });
      if (code === 'EADDRNOTAVAIL')
        throw new Error(`${host} is not an address of this machine; correct http.host`, { cause: error });
      throw error;
    }
    // The folder's lock is ours, so a socket that is still there was left by a process that is gone.
    await rm(this.#controlPath, { force: true });
    await listen(this.#control, { path: this.#controlPath });
    await chmod(this.#controlPath, 0o600);
  }

  address(): string {
    const { address, family, port } = this.#tcp.address() as AddressInfo;
    const scheme = this.#http.tls_cert_file === undefined ? 'http' : 'https';
    return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Stops accepting; resolves when every connection has ended by itself, or `giveUp` has closed them. */
  async close(): Promise<void> {
    const servers = [this.#tcp, this.#control];
    const ends = servers.map(
      (server) =>
        new Promise<void>((resolve) => (server.listening ? server.close(() => resolve()) : resolve())),
    );
    // Node closes what is idle now; a connection whose answer comes later would be kept for its client until it times out.
    const sweep = () => {
      for (const server of servers) server.closeIdleConnections();
      for (const socket of this.#unused) socket.destroy();
    };
    sweep();
    const sweeping = setInterval(sweep, idleSweepMs);
    await Promise.all(ends);
    clearInterval(sweeping);
  }

  /** Closes every connection, whatever it is doing. */
  giveUp(): void {
    this.#tcp.closeAllConnections();
    this.#control.closeAllConnections();
  }

  #watchUnused(server: Server, event: 'connection' | 'secureConnection'): void {
    server.on(event, (socket: Socket) => {
      this.#unused.add(socket);
      socket.once('close', () => this.#unused.delete(socket));
    });
    server.on('request', ({ socket }: IncomingMessage) => this.#unused.delete(socket));
    server.on('upgrade', ({ socket }: IncomingMessage) => this.#unused.delete(socket));
  }
}
