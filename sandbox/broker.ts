import { SandboxError } from './types.js';
import { askUpstream, Connections } from './upstream.js';

export type ServerEngine = 'ollama' | 'openai';

/** Where an engine that is a server lives. */
export interface Endpoint {
  /** Origin and optional base path. */
  base: URL;
  connectTimeoutMs: number;
  idleTimeoutMs: number;
  authorization?: string | undefined;
}

/** Where an engine's answer goes. */
export interface BrokerSink {
  response(status: number, retryAfterMs: number | undefined): void;
  /** Resolves when more can be taken. */
  data(text: string): Promise<void>;
  end(): void;
}

/** All that a worker may ask of its engine. */
const allowedPaths: Record<ServerEngine, readonly string[]> = {
  ollama: ['/api/chat', '/api/embed'],
  openai: ['/v1/chat/completions', '/v1/embeddings'],
};

/** The address of a path below an endpoint's base. */
export function addressOf(base: URL, path: string): URL {
  return new URL(base.pathname.replace(/\/+$/, '') + path, base.origin);
}

/**
 * Performs for a worker the one request that it may make: to the configured address of its engine, on a fixed path. The
 * worker never learns the address or the key.
 */
export class Broker {
  readonly #endpoint: (engine: ServerEngine) => Endpoint | undefined;
  readonly #viaToken: string;
  readonly #bytesMax: number;
  readonly #connections = new Connections();

  constructor(options: {
    endpoint: (engine: ServerEngine) => Endpoint | undefined;
    viaToken: string;
    /** Longest raw answer of an engine. */
    bytesMax: number;
  }) {
    this.#endpoint = options.endpoint;
    this.#viaToken = options.viaToken;
    this.#bytesMax = options.bytesMax;
  }

  /** Whether a worker may ask for the path at all; a worker that asks for another has broken the protocol. */
  allows(engine: ServerEngine, path: string): boolean {
    return allowedPaths[engine].includes(path);
  }

  /** Streams the answer into the sink, no faster than it takes it. Throws SandboxError. */
  async open(
    engine: ServerEngine,
    request: { path: string; body: string },
    sink: BrokerSink,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.allows(engine, request.path)) throw new RangeError(`${engine} has no such path`);
    const endpoint = this.#endpoint(engine);
    if (endpoint === undefined)
      throw new SandboxError('engine_unreachable', `The engine ${engine} has no known address.`);
    const response = await askUpstream({
      url: addressOf(endpoint.base, request.path),
      method: 'POST',
      body: request.body,
      authorization: endpoint.authorization,
      viaToken: this.#viaToken,
      connectTimeoutMs: endpoint.connectTimeoutMs,
      idleTimeoutMs: endpoint.idleTimeoutMs,
      bytesMax: this.#bytesMax,
      signal,
      connections: this.#connections,
    });
    sink.response(response.status, response.retryAfterMs);
    for await (const text of response.chunks) await sink.data(text);
    sink.end();
  }

  /** Lets go of the connections that wait unused. */
  close(): void {
    this.#connections.close();
  }
}
