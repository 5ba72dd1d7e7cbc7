import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Hono } from 'hono';
import { z } from 'zod';
import { defineRoute, json, type RouteDefinition } from '../../runtime/contracts/http.js';
import type { ArkaliaModule, ModuleContext } from '../../runtime/contracts/module.js';
import { mayGoOn } from '../../runtime/contracts/people.js';
import { docsPage, docsPolicy } from './docs.js';
import { createIdentify } from './frame/caller.js';
import { DirectRoutes } from './frame/direct.js';
import { createHostCheck } from './frame/hosts.js';
import { mountRoutes, type NodeEnv } from './frame/mount.js';
import { createObserver } from './frame/observe.js';
import { createOriginCheck } from './frame/origin.js';
import { PathRouter } from './frame/path-router.js';
import { SocketDoor } from './frame/sockets.js';
import { Listener } from './listener.js';
import { openapiDocument } from './openapi.js';
import { breakerRoutes } from './routes/breakers.js';
import { entryRoutes } from './routes/entries.js';
import { eraseRoutes } from './routes/erase.js';
import { incidentRoutes } from './routes/incidents.js';
import { ledgerRoutes } from './routes/ledger.js';

import { modelRoutes } from './routes/models.js';

import { loginRoutes, peopleRoutes } from './routes/people.js';

import { accessRoutes, systemRoutes } from './routes/system.js';
import { transparencyRoutes } from './routes/tlog.js';
import { witnessRoutes } from './routes/witness.js';

/** Helloria: the HTTP frame, keys, errors and documentation. It opens the door last and closes it first. */
class Helloria implements ArkaliaModule {
  readonly name = 'helloria';
  readonly version = '0.1.0';
  readonly priority = 'critical';
  #context!: ModuleContext;
  #listener: Listener | undefined;
  /** What is mounted. */
  #routes: readonly RouteDefinition[] = [];
  #openapi: Record<string, unknown> | undefined;
  #docs: Promise<string> | undefined;
  readonly #stopping = new AbortController();
  /** Ends what would go on for ever. */
  readonly #closing = new AbortController();
  #draining = false;

  provision(context: ModuleContext): void {
    this.#context = context;
    // Each request that runs listens to it; eleven of them are no leak.
    setMaxListeners(0, this.#stopping.signal);
  }

  validate(): void {}

  routes(): RouteDefinition[] {
    const context = this.#context;
    return [
      ...systemRoutes(context),
      ...breakerRoutes(context),
      ...incidentRoutes(context),
      ...ledgerRoutes(context, this.#closing.signal),
      ...eraseRoutes(context),
      ...transparencyRoutes(context),
      ...entryRoutes(context),
      ...witnessRoutes(context),
      ...accessRoutes(context),
      ...modelRoutes(context),
      ...loginRoutes(context),
      ...peopleRoutes(context),
      ...this.#documentation(),
    ];
  }

  async start(): Promise<void> {
    this.#routes = this.#context.routes();
    const app = new Hono<NodeEnv>({ router: new PathRouter() });
    const direct = new DirectRoutes();
    const nextRequestId = this.#requestIds();
    const { config, controlSocket } = this.#context;
    const listener = new Listener(
      { app, direct, nextRequestId, upgrade: (...request) => door.upgrade(...request) },
      config.http,
      controlSocket,
    );
    const frame = this.#frame(listener, nextRequestId);
    mountRoutes({ app, direct }, this.#routes, frame);
    const door = new SocketDoor(this.#context.sockets(), {
      frame,
      mayGoOn: (caller) => mayGoOn(this.#context, caller),
      closing: this.#closing.signal,
    });
    await listener.open();
    this.#listener = listener;
  }

  async stop(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#draining = true;
    this.#closing.abort();
    const closed = listener.close();
    const grace = setTimeout(() => this.#stopping.abort(), this.#context.config.http.shutdown_timeout_ms);
    // What was aborted may still write its last frame; a client that does not take it is cut off a second later.
    const end = setTimeout(() => listener.giveUp(), this.#context.config.http.shutdown_timeout_ms + 1000);
    await closed;
    clearTimeout(grace);
    clearTimeout(end);
    this.#listener = undefined;
  }

  health() {
    return this.#listener === undefined
      ? { state: 'stopped' as const }
      : { state: 'ok' as const, facts: { address: this.#listener.address() } };
  }

  #requestIds(): () => string {
    const prefix = `${randomBytes(4).toString('hex')}-`;
    let requests = 0;
    return () => prefix + (++requests).toString(36);
  }

  #frame(listener: Listener, nextRequestId: () => string) {
    const { config, clock, access, people, rate, viaToken, log, idempotency, ledger } = this.#context;
    const now = () => clock.monotonicMs();
    return {
      log,
      now,
      viaToken,
      rate: rate.requests,
      meter: access.meter,
      stopping: this.#stopping.signal,
      draining: () => this.#draining,
      setupMode: () => access.setupMode(),
      checkHost: createHostCheck({ allowedHosts: config.http.allowed_hosts, now }),
      checkOrigin: createOriginCheck(config.http.cors_origins),
      identify: createIdentify({
        access,
        people,
        loopback: { role: config.http.loopback_role, scopes: config.http.loopback_scopes },
        isControl: (incoming) => listener.isControl(incoming),
      }),
      bodyLimitBytes: config.http.body_limit_bytes,
      jsonDepthMax: config.http.json_depth_max,
      nextRequestId,
      observe: createObserver(this.#context),
      once: { idempotency, ledger },
    };
  }

  /** Made when it is first asked for: no start waits for it. */
  #document(): Record<string, unknown> {
    this.#openapi ??= openapiDocument(this.#routes, this.#context.version);
    return this.#openapi;
  }

  #documentation(): RouteDefinition[] {
    return [
      defineRoute({
        method: 'GET',
        path: '/openapi.json',
        role: 'none',
        tag: 'documentation',
        summary: 'The OpenAPI 3.1 document of every route that is served',
        errors: 'problem',
        responses: { 200: { description: 'OpenAPI', schema: z.record(z.string(), z.unknown()) } },
        handler: () => json(this.#document()),
      }),
      defineRoute({
        method: 'GET',
        path: '/docs',
        role: 'none',
        tag: 'documentation',
        summary: 'The documentation as a page that needs no network',
        errors: 'problem',
        responses: { 200: { description: 'The page', contentType: 'text/html; charset=utf-8' } },
        handler: async () => {
          this.#docs ??= docsPage(this.#document());
          return new Response(await this.#docs, {
            headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': docsPolicy },
          });
        },
      }),
    ];
  }
}

export default (): ArkaliaModule => new Helloria();
