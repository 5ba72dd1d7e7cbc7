import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Context, Hono } from 'hono';
import type { Logger } from 'pino';
import type { ZodError, ZodType } from 'zod';
import type { KeyMeter } from '../../../runtime/contracts/access.js';
import type { RateLimiter } from '../../../runtime/contracts/admission.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import { asAppError, failureAnswer } from '../../../runtime/contracts/failure.js';
import type {
  Answer,
  Caller,
  ErrorShape,
  RouteCall,
  RouteDefinition,
  TextAnswer,
} from '../../../runtime/contracts/http.js';
import { roles } from '../../../runtime/contracts/http.js';
import { recoveryOf } from '../../../runtime/contracts/recovery.js';
import { isJsonType, parseJson, parseText, readBody } from './body.js';
import type { Identify } from './caller.js';
import type { Direct, DirectRoutes } from './direct.js';
import type { Observe } from './observe.js';
import { heedsKey, type Once } from './once.js';
import { corsHeaders, type OriginVerdict, preflightHeaders } from './origin.js';

export type NodeEnv = { Bindings: { incoming: IncomingMessage; outgoing: ServerResponse } };

/** What the frame decides with; all of it is given, so that a test can give its own. */
export interface Frame {
  log: Logger;
  checkHost(host: string | undefined): boolean;
  checkOrigin(origin: string | undefined, self: { scheme: 'http' | 'https'; host: string }): OriginVerdict;
  /** @throws AppError `unauthorized` for a key that is not valid. */
  identify: Identify;
  setupMode(): boolean;
  rate: RateLimiter;
  /** Of keys. */
  meter: Pick<KeyMeter, 'request'>;
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
  /** For requests with an Idempotency-Key. */
  once: Once;
}

/** A route with what is made for it once. */
interface Mounted {
  route: RouteDefinition;
  observe: Observe;
  readQuery: (incoming: IncomingMessage) => unknown;
}

/** Mounts every route behind the same checks, in the same order, and answers what is not a route. */
export function mountRoutes(
  { app, direct }: { app: Hono<NodeEnv>; direct: DirectRoutes },
  routes: readonly RouteDefinition[],
  frame: Frame,
): void {
  const methodsOf = new Map<string, string[]>();
  for (const route of routes) {
    methodsOf.set(route.path, [...(methodsOf.get(route.path) ?? []), route.method]);
    const mounted: Mounted = {
      route: { ...route, handler: heedsKey(route, frame.once) },
      observe: frame.observe(route.method, route.path),
      readQuery: queryReader(route.query),
    };
    app.on(route.method, route.path, (c) => serve(mounted, c.env, frame, finish, c));
    if (route.direct === true) direct.add(route.method, route.path, directly(mounted, frame));
  }
  const observeOther = frame.observe('other', 'other');
  // An app of its own, because Hono takes a shorter way where only one handler fits.
  const others = new Hono<NodeEnv>();
  for (const [path, methods] of methodsOf) {
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
    others.all(path, (c) => serveOther(c, allow, observeOther, frame));
  }
  others.notFound((c) => serveOther(c, null, observeOther, frame));
  app.notFound((c) => others.fetch(c.req.raw, c.env));
}

/** Serves a direct route. A Host that is not one of ours is left to Hono, which first looks at whether it is one at all. */
function directly(mounted: Mounted, frame: Frame): Direct {
  return (incoming, outgoing) => {
    if (!frame.checkHost(incoming.headers.host)) return false;
    serve(mounted, { incoming, outgoing }, frame, write).catch((err: unknown) => {
      frame.log.error({ err }, 'an answer could not be written');
      outgoing.destroy();
    });
    return true;
  };
}

/** Answers by a route; only a direct one can do without `c`. */
async function serve<T>(
  { route, observe, readQuery }: Mounted,
  { incoming, outgoing }: NodeEnv['Bindings'],
  frame: Frame,
  end: (answer: Answer, headers: Record<string, string>, outgoing: ServerResponse) => T,
  c?: Context<NodeEnv>,
): Promise<T> {
  const startedMs = frame.now();
  const requestId = frame.nextRequestId();
  const headers = frameHeaders(requestId, frame);
  let answer: Answer;
  try {
    enter(incoming, headers, frame);
    const found = frame.identify(incoming, headers);
    // Most callers are known at once, and a turn of the event loop would cost them more than all of this.
    const caller = found instanceof Promise ? await found : found;
    authorise(route, caller, startedMs, frame);
    const call: RouteCall<unknown, unknown> = {
      c: c!,
      caller,
      requestId,
      query: readQuery(incoming),
      body: route.body === undefined ? undefined : await takeBody(incoming, route, frame),
      header: (name) => incoming.headers[name] as string | undefined,
      signal: () => clientSignal(outgoing, frame.stopping),
    };
    answer = await route.handler(call);
  } catch (error) {
    answer = fail(error, route.errors, requestId, frame);
  }
  observe(answer.status, startedMs);
  return end(answer, headers, outgoing);
}

function serveOther(c: Context<NodeEnv>, allow: string | null, observe: Observe, frame: Frame): Response {
  const { incoming, outgoing } = c.env;
  const startedMs = frame.now();
  const requestId = frame.nextRequestId();
  const headers = frameHeaders(requestId, frame);
  let answer: Answer;
  try {
    const cors = enter(incoming, headers, frame);
    if (incoming.method === 'OPTIONS' && allow !== null) {
      Object.assign(headers, cors === undefined ? { allow } : preflightHeaders(cors));
      answer = new Response(null, { status: 204 });
    } else if (allow !== null) {
      headers.allow = allow;
      throw new AppError('method_not_allowed', `This address takes ${allow}.`);
    } else {
      throw new AppError('not_found', 'There is nothing at this address; GET /docs lists what there is.');
    }
  } catch (error) {
    answer = fail(error, shapeAt(c.req.path), requestId, frame);
  }
  observe(answer.status, startedMs);
  return finish(answer, headers, outgoing);
}

/** Headers of every answer. */
function frameHeaders(requestId: string, frame: Frame): Record<string, string> {
  const headers: Record<string, string> = { 'x-request-id': requestId, 'x-content-type-options': 'nosniff' };
  if (frame.draining()) headers.connection = 'close';
  return headers;
}

/** Writes the answer of a direct route, which is text. */
function write(answer: Answer, headers: Record<string, string>, outgoing: ServerResponse): void {
  const { text, status } = answer as TextAnswer;
  Object.assign(headers, answer.headers);
  headers['content-length'] = `${Buffer.byteLength(text)}`;
  outgoing.writeHead(status, headers).end(text);
}

function finish(answer: Answer, headers: Record<string, string>, outgoing: ServerResponse): Response {
  const { text, status } = answer;
  if (typeof text === 'string') {
    return new Response(text, { status, headers: Object.assign(headers, answer.headers) });
  }
  for (const name of Object.keys(headers)) outgoing.setHeader(name, headers[name]!);
  // The head of a stream goes in one write with the text that is there already: alone it would wake the client for nothing first.
  const { socket } = outgoing;
  socket?.cork();
  process.nextTick(() => socket?.uncork());
  return answer as Response;
}

/** Checks that come before anything is read; returns the foreign origin that may read the answer, if there is one. */
export function enter(
  incoming: IncomingMessage,
  headers: Record<string, string>,
  frame: Pick<Frame, 'checkHost' | 'checkOrigin' | 'viaToken'>,
): string | undefined {
  const { host, origin, via } = incoming.headers;
  if (!frame.checkHost(host) || !frame.checkHost(targetHost(incoming.url) ?? host)) {
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
  if (verdict.cors !== undefined) Object.assign(headers, corsHeaders(verdict.cors));
  return verdict.cors;
}

/** The authority of a request target in absolute form (RFC 9112, 3.2.2), which counts instead of Host; undefined for the usual form. */
function targetHost(target: string | undefined): string | undefined {
  return /^https?:\/\/([^/?#]*)/i.exec(target ?? '')?.[1];
}

export function authorise(
  route: Pick<RouteDefinition, 'role' | 'scope' | 'duringSetup' | 'rateLimited'>,
  caller: Caller,
  nowMs: number,
  frame: Pick<Frame, 'meter' | 'setupMode' | 'rate'>,
): void {
  if (frame.setupMode() && !route.duringSetup && caller.role !== 'admin') {
    throw new AppError(
      'setup_required',
      'The appliance is waiting for its setup: POST /setup with the code from the file setup-code in its data folder.',
    );
  }
  if (roles.indexOf(caller.role) < roles.indexOf(route.role)) {
    if (caller.keyId === null && caller.login === undefined)
      throw new AppError(
        'unauthorized',
        `This needs a key with the role ${route.role}: "Authorization: Bearer ark_…".`,
      );
    throw new AppError(
      'forbidden',
      `This needs the role ${route.role}; ${caller.login === undefined ? 'the key has' : 'you have'} the role ${caller.role}.`,
    );
  }
  if (!holdsScope(route, caller)) throw lacksScope(route, caller);
  if (route.rateLimited === false) return;
  const verdict = frame.rate.take(caller.id, nowMs);
  if (!verdict.ok) {
    throw new AppError('rate_limited', 'Too many requests; see limits.requests_per_second.', {
      retryAfterMs: verdict.retryAfterMs,
    });
  }
  if (caller.keyId === null) return;
  const own = frame.meter.request(caller.keyId);
  if (!own.ok) {
    throw new AppError('rate_limited', 'This key may ask no more for now: its own rate is used up.', {
      retryAfterMs: own.retryAfterMs,
    });
  }
}

function holdsScope({ role, scope }: Pick<RouteDefinition, 'role' | 'scope'>, { scopes }: Caller): boolean {
  if (scopes === undefined || role === 'none' || scope === 'any') return true;
  return scope !== undefined && scopes.includes(scope);
}

function lacksScope({ scope }: Pick<RouteDefinition, 'scope'>, { keyId }: Caller): AppError {
  const needed = scope === undefined ? 'that is not narrowed to scopes' : `with the scope ${scope}`;
  if (keyId === null) {
    return new AppError('unauthorized', `This needs a key ${needed}: "Authorization: Bearer ark_…".`);
  }
  return new AppError('forbidden', `This needs a key ${needed}; "arkalia keys list" shows what yours holds.`);
}

async function takeBody(
  incoming: IncomingMessage,
  { body: schema, bodyType }: RouteDefinition,
  frame: Frame,
): Promise<unknown> {
  if (bodyType === undefined && !isJsonType(incoming.headers['content-type'])) {
    throw new AppError('unsupported_media_type', 'Send the body with "Content-Type: application/json".');
  }
  if (incoming.headers['content-encoding'] !== undefined) {
    throw new AppError('unsupported_media_type', 'Send the body without Content-Encoding.');
  }
  const bytes = await readBody(incoming, frame.bodyLimitBytes);
  const value = bodyType === undefined ? parseJson(bytes, frame.jsonDepthMax) : parseText(bytes);
  return checkSchema(schema!, value, 'body');
}

/** Reads the query as the schema says; what a request without one gives is known in advance. */
function queryReader(schema: ZodType | undefined): (incoming: IncomingMessage) => unknown {
  if (schema === undefined) return () => undefined;
  const none = schema.safeParse({});
  if (none.success) Object.freeze(none.data);
  return ({ url = '' }) => {
    const at = url.indexOf('?');
    if (none.success && at === -1) return none.data;
    return checkSchema(schema, singleValues(url.slice(at + 1)), 'query');
  };
}

/** The query's parameters. @throws AppError `invalid_request` when one is given more than once: which of them counts would be a guess. */
function singleValues(query: string): Record<string, string> {
  const all = new URLSearchParams(query);
  const times = new Map<string, number>();
  for (const name of all.keys()) times.set(name, (times.get(name) ?? 0) + 1);
  const repeated = [...times].find(([, count]) => count > 1);
  if (repeated !== undefined) {
    const param = repeated[0].slice(0, 100);
    const message = `The query does not fit: ${param}: give it once, not ${repeated[1]} times`;
    throw new AppError('invalid_request', message, { details: { param } });
  }
  return Object.fromEntries(all);
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

/** How errors look where there is no route. */
function shapeAt(path: string): ErrorShape {
  if (path.startsWith('/v1/')) return 'openai';
  return path.startsWith('/api/') ? 'ollama' : 'problem';
}

function fail(thrown: unknown, shape: ErrorShape, requestId: string, frame: Frame): TextAnswer {
  const error = asAppError(thrown);
  // A client that has gone is no failure of ours.
  if (error.status >= 500 && error.code !== 'shutting_down') {
    frame.log.warn(
      {
        request_id: requestId,
        error_code: error.code,
        recovery: recoveryOf[error.code],
        err: error.cause ?? error,
      },
      'request failed',
    );
  }
  return failureAnswer(error, shape, requestId);
}
