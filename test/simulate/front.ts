import { EventEmitter, setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Hono } from 'hono';
import { createIdentify } from '../../modules/helloria/frame/caller.js';
import { DirectRoutes } from '../../modules/helloria/frame/direct.js';
import { createHostCheck } from '../../modules/helloria/frame/hosts.js';
import { mountRoutes, type NodeEnv } from '../../modules/helloria/frame/mount.js';
import { createObserver } from '../../modules/helloria/frame/observe.js';
import { createOriginCheck } from '../../modules/helloria/frame/origin.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';

/** What a client sends. */
export interface Asked {
  method: 'GET' | 'POST';
  path: string;
  client: string;
  body?: unknown;
}

export interface Told {
  status: number;
  body: string;
  retryAfterMs: number | undefined;
}

/** A request as Node would hand it over, without its socket. */
class Incoming extends EventEmitter {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly socket = { remoteAddress: '192.168.1.20' };
  readableEnded = false;
  readonly #body: Buffer | undefined;

  constructor({ method, path, client, body }: Asked) {
    super();
    this.method = method;
    this.url = path;
    this.#body = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    this.headers = {
      host: 'localhost',
      authorization: `Bearer ark_${client}`,
      ...(this.#body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(this.#body.length) }),
    };
  }

  override on(name: string, hear: (...given: unknown[]) => void): this {
    super.on(name, hear);
    if (name === 'close' && this.#body !== undefined) {
      queueMicrotask(() => {
        this.emit('data', this.#body);
        this.readableEnded = true;
        this.emit('end');
      });
    }
    return this;
  }
}

class Outgoing extends EventEmitter {
  writableFinished = false;
  destroyed = false;
  setHeader(): void {}

  /** The client has gone. */
  close(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

/** The real frame around every route, as helloria mounts it, without a listening socket. */
export class Front {
  readonly #app = new Hono<NodeEnv>();
  readonly #stopping = new AbortController();

  constructor(context: ModuleContext) {
    // As helloria does.
    setMaxListeners(0, this.#stopping.signal);
    const { config, clock, access, people, rate, viaToken, log, idempotency, ledger } = context;
    const now = () => clock.monotonicMs();
    let requests = 0;
    mountRoutes({ app: this.#app, direct: new DirectRoutes() }, context.routes(), {
      log,
      now,
      viaToken,
      rate: rate.requests,
      stopping: this.#stopping.signal,
      draining: () => false,
      setupMode: () => access.setupMode(),
      checkHost: createHostCheck({ allowedHosts: [], now, addresses: () => new Set() }),
      checkOrigin: createOriginCheck([]),
      identify: createIdentify({
        access,
        people,
        loopback: { role: config.http.loopback_role, scopes: config.http.loopback_scopes },
        isControl: () => false,
      }),
      meter: access.meter,
      bodyLimitBytes: config.http.body_limit_bytes,
      jsonDepthMax: config.http.json_depth_max,
      nextRequestId: () => `r-${(++requests).toString(36)}`,
      observe: createObserver(context),
      once: { idempotency, ledger },
    });
  }

  /** Aborts what still runs, as helloria does at the end of its time. */
  stop(): void {
    this.#stopping.abort();
  }

  /** `patience` is called with what ends the request early. */
  async ask(asked: Asked, patience?: (leave: () => void) => void): Promise<Told> {
    const outgoing = new Outgoing();
    patience?.(() => outgoing.close());
    const response = await this.#app.request(
      asked.path,
      { method: asked.method },
      {
        incoming: new Incoming(asked) as unknown as IncomingMessage,
        outgoing: outgoing as unknown as ServerResponse,
      },
    );
    const body = await response.text();
    outgoing.writableFinished = true;
    outgoing.close();
    const wait = response.headers.get('retry-after');
    return { status: response.status, body, retryAfterMs: wait === null ? undefined : Number(wait) * 1000 };
  }
}
