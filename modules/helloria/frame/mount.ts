import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Hono } from 'hono';
import type { Logger } from 'pino';
import type { ZodError, ZodType } from 'zod';
import type { RateLimiter } from '../../../runtime/contracts/admission.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import { asAppError, failureResponse } from '../../../runtime/contracts/failure.js';
import type { Caller, RouteCall, RouteDefinition } from '../../../runtime/contracts/http.js';
import { roles } from '../../../runtime/contracts/http.js';
import { isJsonType, parseJson, readBody } from './body.js';
import type { Observe } from './observe.js';
import { corsHeaders, type OriginVerdict, preflightHeaders } from './origin.js';

export type NodeEnv = { Bindings: { incoming: IncomingMessage; outgoing: ServerResponse } };

/** What the frame decides with; all of it is given, so that a test can give its own. */
export interface Frame {
  log: Logger;
  checkHost(host: string | undefined): boolean;
  checkOrigin(origin: string | undefined, self: { scheme: 'http' | 'https'; host: string }): OriginVerdict;
  /** @throws AppError `unauthorized` for a key that is not valid. */
  identify(incoming: IncomingMessage): Caller;
  setupMode(): boolean;
  rate: RateLimiter;
  viaToken: string;
  bodyLimitBytes: number;
  jsonDepthMax: number;
  nextRequestId(): string;
  /** While the server drains, every answer closes its connection. */
  draining(): boolean;
  /** Aborts when the server gives up on what still runs. */
  stopping: AbortSignal;
  /** Called once for each route; what it gives back, once for each answer. */
  observe(method: string, path: string): Observe;
  now(): number;
}

/** Mounts every route behind the same checks, in the same order, and answers what is not a route. */
export function mountRoutes(app: Hono<NodeEnv>, routes: readonly RouteDefinition[], frame: Frame): void {
  const methodsOf = new Map<string, string[]>();
  for (const route of routes) {
    methodsOf.set(route.path, [...(methodsOf.get(route.path) ?? []), route.method]);
    const observe = frame.observe(route.method, route.path);
    app.on(route.method, route.path, (c) => serve(c, route, observe, frame));
  }
  const observeOther = frame.observe('other', 'other');
  for (const [path, methods] of methodsOf) {
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
    app.all(path, (c) => serveOther(c, allow, observeOther, frame));
  }
  app.notFound((c) => serveOther(c, null, observeOther, frame));
}

async function serve(
  c: Context<NodeEnv>,
  route: RouteDefinition,
  observe: Observe,
  frame: Frame,
): Promise<Response> {
  const { incoming, outgoing } = c.env;
  const startedMs = frame.now();
  const requestId = frame.nextRequestId();
  let response: Response;
  try {
    enter(incoming, outgoing, requestId, frame);
    const caller = frame.identify(incoming);
    authorise(route, caller, startedMs, frame);
    const call: RouteCall<unknown, unknown> = {
      c,
      caller,
      requestId,
      query: route.query === undefined ? undefined : checkSchema(route.query, c.req.query(), 'query'),
      body: route.body === undefined ? undefined : await takeBody(incoming, route.body, frame),
      signal: () => clientSignal(outgoing, frame.stopping),
    };
    response = await route.handler(call);
  } catch (error) {
    response = fail(error, route.errors, requestId, frame);
  }
  observe(response.status, startedMs);
  return response;
}

function serveOther(c: Context<NodeEnv>, allow: string | null, observe: Observe, frame: Frame): Response {
  const { incoming, outgoing } = c.env;
  const startedMs = frame.now();
  const requestId = frame.nextRequestId();
  let response: Response;
  try {
    const cors = enter(incoming, outgoing, requestId, frame);
    if (incoming.method === 'OPTIONS' && allow !== null) {
      response = new Response(null, {
        status: 204,
        headers: cors === undefined ? { allow } : preflightHeaders(cors),
      });
    } else if (allow !== null) {
      outgoing.setHeader('allow', allow);
      throw new AppError('method_not_allowed', `This address takes ${allow}.`);
    } else {
      throw new AppError('not_found', 'There is nothing at this address; GET /docs lists what there is.');
    }
  } catch (error) {
    const shape = c.req.path.startsWith('/v1/') ? 'openai' : 'problem';
    response = fail(error, shape, requestId, frame);
  }
  observe(response.status, startedMs);
  return response;
}

/** Checks that come before anything is read; returns the foreign origin that may read the answer, if there is one. */
function enter(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string,
  frame: Frame,
): string | undefined {
  outgoing.setHeader('x-request-id', requestId);
  outgoing.setHeader('x-content-type-options', 'nosniff');
  if (frame.draining()) outgoing.setHeader('connection', 'close');
  const { host, origin, via } = incoming.headers;
  if (!frame.checkHost(host)) {
    throw new AppError(
      'misdirected_request',
      'This appliance does not answer to that Host; add the name to http.allowed_hosts if it is yours.',
    );
  }
  if (via?.includes(frame.viaToken)) {
    throw new AppError(
      'loop_detected',
      'This request came from this appliance itself: an engine address leads back to it. Correct engines.*.url.',
    );
  }
  if (origin === undefined) return undefined;
  const scheme = 'encrypted' in incoming.socket ? 'https' : 'http';
  const verdict = frame.checkOrigin(origin, { scheme, host: host! });
  if (!verdict.ok) {
    throw new AppError(
      'forbidden',
      'Pages of that origin may not call this appliance; add it to http.cors_origins if it is yours.',
    );
  }
  if (verdict.cors !== undefined)
    for (const [name, value] of Object.entries(corsHeaders(verdict.cors))) outgoing.setHeader(name, value);
  return verdict.cors;
}

function authorise(route: RouteDefinition, caller: Caller, nowMs: number, frame: Frame): void {
  if (frame.setupMode() && !route.duringSetup && caller.role !== 'admin') {
    throw new AppError(
      'setup_required',
      'The appliance is waiting for its setup: POST /setup with the code from the file setup-code in its data folder.',
    );
  }
  if (roles.indexOf(caller.role) < roles.indexOf(route.role)) {
    if (caller.keyId === null)
      throw new AppError(
        'unauthorized',
        `This needs a key with the role ${route.role}: "Authorization: Bearer ark_…".`,
      );
    throw new AppError(
      'forbidden',
      `This needs the role ${route.role}; the key has the role ${caller.role}.`,
    );
  }
  if (route.rateLimited === false) return;
  const verdict = frame.rate.take(caller.id, nowMs);
  if (!verdict.ok) {
    throw new AppError('rate_limited', 'Too many requests; see limits.requests_per_second.', {
      retryAfterMs: verdict.retryAfterMs,
    });
  }
}

async function takeBody(incoming: IncomingMessage, schema: ZodType, frame: Frame): Promise<unknown> {
  if (!isJsonType(incoming.headers['content-type'])) {
    throw new AppError('unsupported_media_type', 'Send the body with "Content-Type: application/json".');
  }
  if (incoming.headers['content-encoding'] !== undefined) {
    throw new AppError('unsupported_media_type', 'Send the body without Content-Encoding.');
  }
  return checkSchema(
    schema,
    parseJson(await readBody(incoming, frame.bodyLimitBytes), frame.jsonDepthMax),
    'body',
  );
}

function checkSchema(schema: ZodType, value: unknown, where: 'body' | 'query'): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw schemaError(result.error, where);
}

function schemaError(error: ZodError, where: 'body' | 'query'): AppError {
  const errors = error.issues
    .slice(0, 10)
    .map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
  const first = errors[0]!;
  const message = `The ${where} does not fit: ${first.path === '' ? '' : `${first.path}: `}${first.message}`;
  return new AppError('invalid_request', message, { details: { errors, param: first.path || null } });
}

/** Aborts when the client goes before its answer is complete, or when the server stops waiting. */
function clientSignal(outgoing: ServerResponse, stopping: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort();
  stopping.addEventListener('abort', abort, { once: true });
  outgoing.once('close', () => {
    stopping.removeEventListener('abort', abort);
    if (!outgoing.writableFinished) abort();
  });
  if (stopping.aborted || outgoing.destroyed) abort();
  return controller.signal;
}

function fail(thrown: unknown, shape: 'problem' | 'openai', requestId: string, frame: Frame): Response {
  const error = asAppError(thrown);
  // A client that has gone is no failure of ours.
  if (error.status >= 500 && error.code !== 'shutting_down') {
    frame.log.warn(
      { request_id: requestId, error_code: error.code, err: error.cause ?? error },
      'request failed',
    );
  }
  return failureResponse(error, shape, requestId);
}
