import http from 'node:http';
import https from 'node:https';
import { SandboxError } from './types.js';

export interface UpstreamRequest {
  url: URL;
  method: 'GET' | 'POST';
  body?: string;
  /** Value of the Authorization header. */
  authorization?: string | undefined;
  viaToken: string;
  connectTimeoutMs: number;
  /** Longest silence before the answer's head and between its pieces; time in which nobody reads does not count. */
  idleTimeoutMs: number;
  /** Longest body taken. */
  bytesMax: number;
  signal: AbortSignal;
  /** Connections to use again; without, the request has one of its own. */
  connections?: Connections;
}

/**
 * Connections that stay open between requests, at most one for each engine that waits unused: a server such as llama.cpp's keeps a thread for
 * every open one. Closed before the five seconds after which servers commonly close theirs.
 */
export class Connections {
  readonly #http: http.Agent;
  readonly #https: https.Agent;

  constructor() {
    const options = { keepAlive: true, maxFreeSockets: 1, timeout: unusedMs };
    this.#http = new http.Agent(options);
    this.#https = new https.Agent(options);
  }

  agentFor(url: URL): http.Agent {
    return url.protocol === 'https:' ? this.#https : this.#http;
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

export interface UpstreamResponse {
  status: number;
  retryAfterMs?: number;
  /** The body as UTF-8 text; must be read or ended. Throws SandboxError when it breaks off. */
  chunks: AsyncGenerator<string>;
}

/** Why a request was ended from this side; what is told of it the signal decides. */
const over = new Error('the request is over');
const retryAfterMaxSeconds = 86_400;
const unusedMs = 4000;

/** The server closed a connection that had waited unused, before it answered: nothing was wrong with the request. */
class StaleConnection extends Error {}

/** Whether a failure that Node gives for a socket or parser means that the other side speaks no HTTP. */
const isParserError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('HPE_');

/** Whether Node says that the other side closed the connection. */
const isReset = (error: Error): boolean =>
  'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

/**
 * One HTTP request to an engine, without redirects. On a connection that the server has closed meanwhile it is sent once more on a new one.
 * @throws SandboxError `engine_unreachable`, `engine_stalled`, `engine_died`, `engine_garbage`, `loop_detected` or `aborted`.
 */
export async function askUpstream(request: UpstreamRequest): Promise<UpstreamResponse> {
  const where = request.url.origin;
  const message = await sendRequest(request, where, request.connections).catch((error: unknown) => {
    if (error instanceof StaleConnection) return sendRequest(request, where, undefined);
    throw error;
  });
  const status = message.statusCode ?? 0;
  if (status === 508 || String(message.headers.via ?? '').includes(`arkalia-${request.viaToken}`)) {
    message.destroy();
    throw new SandboxError('loop_detected', `The address ${where} leads back to this appliance.`, { status });
  }
  const retryAfterMs = retryAfterOf(message.headers['retry-after']);
  return {
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    chunks: readBody(message, request, where),
  };
}

function sendRequest(
  options: UpstreamRequest,
  where: string,
  connections: Connections | undefined,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const secure = options.url.protocol === 'https:';
    const request = (secure ? https : http).request(options.url, {
      method: options.method,
      agent: connections?.agentFor(options.url) ?? false,
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        via: `1.1 arkalia-${options.viaToken}`,
        ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
        ...(options.body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(options.body) }),
      },
    });
    // Not Node's own option: the listeners that it sets cost a third of making the request.
    const abort = () => request.destroy(over);
    options.signal.addEventListener('abort', abort, { once: true });
    request.once('close', () => options.signal.removeEventListener('abort', abort));
    if (options.signal.aborted) abort();
    let connected = false;
    const give = (code: 'engine_unreachable' | 'engine_stalled', text: string) =>
      request.destroy(new SandboxError(code, text));
    const connecting = setTimeout(
      () =>
        give(
          'engine_unreachable',
          `The engine at ${where} did not accept a connection within ${options.connectTimeoutMs} ms.`,
        ),
      options.connectTimeoutMs,
    );
    let silent: NodeJS.Timeout | undefined;
    request.on('socket', (socket) => {
      const begin = () => {
        connected = true;
        clearTimeout(connecting);
        silent = setTimeout(() => give('engine_stalled', stalled(options, where)), options.idleTimeoutMs);
      };
      if (request.reusedSocket) begin();
      else socket.once(secure ? 'secureConnect' : 'connect', begin);
    });
    const settled = () => {
      clearTimeout(connecting);
      clearTimeout(silent);
    };
    request.on('response', (message) => {
      settled();
      resolve(message);
    });
    request.on('error', (error) => {
      settled();
      if (request.reusedSocket && isReset(error)) reject(new StaleConnection());
      else reject(failureOf(error, { connected, aborted: options.signal.aborted, where }));
    });
    request.end(options.body);
  });
}

const stalled = (request: UpstreamRequest, where: string): string =>
  `The engine at ${where} was silent for ${request.idleTimeoutMs} ms.`;

function failureOf(
  error: unknown,
  seen: { connected: boolean; aborted: boolean; where: string },
): SandboxError {
  if (error instanceof SandboxError) return error;
  if (seen.aborted)
    return new SandboxError('aborted', 'The prompt was ended before its answer was complete.');
  if (isParserError(error))
    return new SandboxError('engine_garbage', `What answers at ${seen.where} does not speak HTTP.`);
  if (seen.connected)
    return new SandboxError(
      'engine_died',
      `The engine at ${seen.where} closed the connection in its answer.`,
    );
  return new SandboxError('engine_unreachable', `No engine can be reached at ${seen.where}.`);
}

/** Retry-After in seconds; a date is not read, since the clock of either side may be wrong. */
function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,9}$/.test(header.trim())) return undefined;
  return Math.min(Number(header), retryAfterMaxSeconds) * 1000;
}

async function* readBody(
  message: http.IncomingMessage,
  request: UpstreamRequest,
  where: string,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const pieces = message[Symbol.asyncIterator]();
  let bytes = 0;
  try {
    while (true) {
      const timer = setTimeout(
        () => message.destroy(new SandboxError('engine_stalled', stalled(request, where))),
        request.idleTimeoutMs,
      );
      const { value, done } = await pieces.next().finally(() => clearTimeout(timer));
      if (done === true) {
        const rest = decode(decoder, undefined, where);
        if (rest !== '') yield rest;
        return;
      }
      const chunk = value as Buffer;
      bytes += chunk.length;
      if (bytes > request.bytesMax)
        throw new SandboxError(
          'output_limit',
          `The answer of the engine is longer than ${request.bytesMax} bytes.`,
        );
      const text = decode(decoder, chunk, where);
      if (text !== '') yield text;
    }
  } catch (error) {
    throw failureOf(error, { connected: true, aborted: request.signal.aborted, where });
  } finally {
    message.destroy();
  }
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk: Buffer | undefined, where: string): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch {
    throw new SandboxError('engine_garbage', `The engine at ${where} sent bytes that are not UTF-8.`);
  }
}
