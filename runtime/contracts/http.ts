import type { Context } from 'hono';
import type { ZodType } from 'zod';

/** From least to most. `none` is open to everyone who may reach the port. */
export const roles = ['none', 'user', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** What a key may be narrowed to, within its role. */
export const scopes = ['chat', 'embeddings', 'guard', 'decisions', 'read', 'operate', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export interface Caller {
  role: Role;
  /** What it may do of what its role may; absent: all of it. */
  scopes?: readonly Scope[] | undefined;
  /** Somebody who is signed in. */
  login?: { id: string; user: string } | undefined;
  /** Models that may answer it; absent: all. */
  models?: readonly string[] | undefined;
  /** Id of the key, or null for a caller without one. */
  keyId: string | null;
  /** Identity for rate limit, fairness and decision history: the key's, else the person's who is signed in, else the address. */
  id: string;
}

/** Who acts, for the log: a key's or a login's id, never a name. */
export function actorOf({ keyId, login, id }: Caller): string {
  return keyId ?? (login === undefined ? id : `login:${login.id}`);
}

const keyMark = 'key:';

/** The `id` of a caller with a key. */
export function callerIdOfKey(keyId: string): string {
  return keyMark + keyId;
}

/** The key's id in the `id` of a caller; null for one without a key. */
export function keyIdOf(callerId: string): string | null {
  return callerId.startsWith(keyMark) ? callerId.slice(keyMark.length) : null;
}

const userMark = 'user:';

/** The `id` of a caller who is signed in, by the id of the user: no name, for it stands in the ledger. */
export function callerIdOfUser(userId: string): string {
  return userMark + userId;
}

/** Whose the texts of a caller are, as `erase --key` and the list of sessions name them: a key's id or `user:<id>`; null without either. */
export function ownerOf(callerId: string): string | null {
  return callerId.startsWith(userMark) ? callerId : keyIdOf(callerId);
}

/** The caller's `id` of an owner: the inverse of `ownerOf`. */
export function callerIdOfOwner(owner: string): string {
  return owner.startsWith(userMark) ? owner : callerIdOfKey(owner);
}

/** RFC 9457 problem documents; OpenAI's envelope under /v1; Ollama's under /api. */
export type ErrorShape = 'problem' | 'openai' | 'ollama';

/** What a handler is called with. */
export interface DirectCall<Body, Query> {
  body: Body;
  query: Query;
  caller: Caller;
  requestId: string;
  /** A header of the request, by its name in lower case. */
  header(name: string): string | undefined;
  /** Aborts when the client has gone. Made at first use. */
  signal(): AbortSignal;
}

export interface RouteCall<Body, Query> extends DirectCall<Body, Query> {
  c: Context;
}

export interface ResponseSpec {
  description: string;
  schema?: ZodType;
  /** Default `application/json`. */
  contentType?: string;
}

/** A route as data: mounted by helloria, listed in the OpenAPI document and in the table of route × role. */
export interface RouteDefinition {
  method: 'GET' | 'POST' | 'DELETE';
  /** Hono pattern, such as `/keys/:id`. */
  path: string;
  role: Role;
  /** What a caller that is narrowed to scopes must hold; `any`: none in particular. Unset: only callers that are not narrowed get in. */
  scope?: Scope | 'any';
  tag: string;
  summary: string;
  errors: ErrorShape;
  body?: ZodType;
  /** The body is text, whatever its Content-Type says; JSON unless given. */
  bodyType?: 'text/plain';
  /** The handler itself takes the body: bytes (application/octet-stream), at most so many. */
  bodyBytesMax?: number;
  query?: ZodType;
  /** Headers that the handler heeds, for the documentation. */
  headers?: readonly { name: string; description: string; schema: ZodType }[];
  /** Why a request with an Idempotency-Key is refused: what it carries or gives is kept nowhere, not even as a hash. */
  unrepeatable?: string;
  /** Whether each request counts against the client's bucket; true unless said. */
  rateLimited?: boolean;
  /** Served while the appliance waits for its setup code. */
  duringSetup?: boolean;
  /** Served without Hono's Request, Context and Response; see `defineDirectRoute`. */
  direct?: true;
  responses: Record<number, ResponseSpec>;
  // biome-ignore lint/suspicious/noExplicitAny: the two types come from `body` and `query`; defineRoute ties them together.
  handler(call: RouteCall<any, any>): Answer | Promise<Answer>;
}

type Output<T> = T extends ZodType<infer O> ? O : undefined;

/** Ties the handler's types to the schemas. */
export function defineRoute<
  B extends ZodType | undefined = undefined,
  Q extends ZodType | undefined = undefined,
>(
  route: Omit<RouteDefinition, 'body' | 'query' | 'handler'> & {
    body?: B;
    query?: Q;
    handler(call: RouteCall<Output<B>, Output<Q>>): Answer | Promise<Answer>;
  },
): RouteDefinition {
  return route as RouteDefinition;
}

/**
 * The same for a path without parameters whose answer is always text: it is served without Hono's Request, Context and Response, which
 * take a twentieth of what a decision takes. For routes that are asked thousands of times a second.
 */
export function defineDirectRoute<
  B extends ZodType | undefined = undefined,
  Q extends ZodType | undefined = undefined,
>(
  route: Omit<RouteDefinition, 'body' | 'query' | 'handler' | 'direct'> & {
    body?: B;
    query?: Q;
    handler(call: DirectCall<Output<B>, Output<Q>>): TextAnswer | Promise<TextAnswer>;
  },
): RouteDefinition {
  return { ...route, direct: true } as RouteDefinition;
}

/** An answer whose body is text. The frame adds its own headers and writes all of them at once, which a Response would make it copy. */
export interface TextAnswer {
  text: string;
  status: number;
  /** `content-type` and others, by lower-case name. */
  headers: Record<string, string>;
}

export type Answer = Response | TextAnswer;

/** A JSON answer from text that is JSON already. */
export function jsonText(text: string, status = 200, headers?: Record<string, string>): TextAnswer {
  return { text, status, headers: { 'content-type': 'application/json', ...headers } };
}

/** A JSON answer. */
export function json(body: unknown, status = 200, headers?: Record<string, string>): TextAnswer {
  return jsonText(JSON.stringify(body), status, headers);
}
