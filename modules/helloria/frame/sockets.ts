import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../../../runtime/contracts/errors.js';
import { asAppError, failureAnswer } from '../../../runtime/contracts/failure.js';
import type { Caller } from '../../../runtime/contracts/http.js';
import {
  keyProtocolPrefix,
  type LiveSocket,
  type SocketDefinition,
  socketCloseCodes,
} from '../../../runtime/contracts/socket.js';
import { authorise, enter, type Frame } from './mount.js';
import type { Observe } from './observe.js';

/** How often a client must show that it is there, and a key is looked up again. */
const beatMs = 10_000;
/** After the server said that it stops, a client has so long to close. */
const farewellMs = 1000;
/** Close code of RFC 6455: the endpoint goes away. */
const goingAway = 1001;

export interface DoorOptions {
  frame: Pick<
    Frame,
    | 'checkHost'
    | 'checkOrigin'
    | 'identify'
    | 'log'
    | 'meter'
    | 'nextRequestId'
    | 'now'
    | 'observe'
    | 'rate'
    | 'setupMode'
    | 'viaToken'
  >;
  /** Asked at each beat: whether the caller may still listen. */
  mayGoOn(caller: Caller): boolean;
  /** Aborts when the server is about to close. */
  closing: AbortSignal;
}

interface Endpoint {
  definition: SocketDefinition;
  server: WebSocketServer;
  observe: Observe;
}

/** Opens WebSockets behind the checks that a route has, before the upgrade; what is refused gets an ordinary answer. */
export class SocketDoor {
  readonly #options: DoorOptions;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(definitions: readonly SocketDefinition[], options: DoorOptions) {
    this.#options = options;
    for (const definition of definitions) {
      const { protocol, messageBytesMax, path } = definition;
      const server = new WebSocketServer({
        noServer: true,
        maxPayload: messageBytesMax,
        perMessageDeflate: false,
        handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
      });
      this.#endpoints.set(path, { definition, server, observe: options.frame.observe('GET', path) });
    }
    options.closing.addEventListener('abort', () => this.#close(), { once: true });
  }

  async upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { frame, closing } = this.#options;
    const startedMs = frame.now();
    const requestId = frame.nextRequestId();
    const endpoint = this.#endpoints.get(pathOf(incoming.url));
    socket.on('error', () => socket.destroy());
    try {
      enter(incoming, {}, frame);
      if (endpoint === undefined) throw new AppError('not_found', 'There is no WebSocket at this address.');
      if (closing.aborted) throw new AppError('shutting_down', 'The appliance is shutting down.');
      takeKeyFromProtocols(incoming);
      const caller = await frame.identify(incoming, {});
      const { definition, server } = endpoint;
      authorise(definition, caller, startedMs, frame);
      if (server.clients.size >= definition.socketsMax) {
        throw new AppError('rate_limited', `${definition.socketsMax} sockets are open already.`, {
          retryAfterMs: beatMs,
        });
      }
      server.handleUpgrade(incoming, socket, head, (opened) => {
        endpoint.observe(101, startedMs);
        this.#attend(opened, definition, caller);
      });
    } catch (thrown) {
      const { status, text, headers } = failureAnswer(asAppError(thrown), 'problem', requestId);
      endpoint?.observe(status, startedMs);
      const lines = Object.entries({
        ...headers,
        'content-length': String(Buffer.byteLength(text)),
        'x-request-id': requestId,
        connection: 'close',
      }).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`);
    }
  }

  #attend(opened: WebSocket, definition: SocketDefinition, caller: Caller): void {
    const { mayGoOn, frame } = this.#options;
    let there = true;
    const beat = setInterval(() => {
      if (!mayGoOn(caller)) {
        opened.close(socketCloseCodes.unauthorized, 'the key is no longer valid');
      } else if (there) {
        there = false;
        opened.ping();
      } else {
        opened.terminate();
      }
    }, beatMs);
    opened.on('pong', () => {
      there = true;
    });
    opened.on('close', () => clearInterval(beat));
    // A broken frame or a message that is too long; ws closes the socket itself.
    opened.on('error', (error) => frame.log.debug({ err: error }, 'a socket failed'));
    definition.open(asLiveSocket(opened, frame), caller);
  }

  #close(): void {
    for (const { server } of this.#endpoints.values()) {
      for (const client of server.clients) {
        client.close(goingAway, 'the appliance stops');
        const end = setTimeout(() => client.terminate(), farewellMs);
        client.once('close', () => clearTimeout(end));
      }
    }
  }
}

function asLiveSocket(opened: WebSocket, { log }: Pick<Frame, 'log'>): LiveSocket {
  return {
    send: (text) => opened.send(text),
    get waitingBytes() {
      return opened.bufferedAmount;
    },
    close: (code, reason) => opened.close(code, reason),
    onText: (handler) =>
      opened.on('message', (data, binary) => {
        try {
          if (binary) opened.close(socketCloseCodes.badMessage, 'texts only');
          else handler(String(data));
        } catch (error) {
          log.error({ err: error }, 'a socket handler failed');
          opened.close(1011, 'something failed inside the appliance');
        }
      }),
    onClose: (handler) => opened.once('close', handler),
  };
}

function pathOf(target: string | undefined): string {
  return (target ?? '').replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
}

/** What a browser can send instead of an Authorization header. */
function takeKeyFromProtocols({ headers }: IncomingMessage): void {
  if (headers.authorization !== undefined) return;
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  const key = offered.find((name) => name.startsWith(keyProtocolPrefix))?.slice(keyProtocolPrefix.length);
  if (key !== undefined) headers.authorization = `Bearer ${key}`;
}
