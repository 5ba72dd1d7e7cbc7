import type { Context } from 'hono';
import type { ZodType } from 'zod';

/** From least to most. `none` is open to everyone who may reach the port. */
export const roles = ['none', 'user', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

export interface Caller {
  role: Role;
  /** Id of the key, or null for a caller without one. */
  keyId: string | null;
  /** Identity for rate limit, fairness and decision history: the key's id, else the address. */
  id: string;
}

export interface RouteCall<Body, Query> {
  c: Context;
  body: Body;
  query: Query;
  caller: Caller;
  requestId: string;
  /** Aborts when the client has gone. Made at first use. */
  signal(): AbortSignal;
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
  tag: string;
  summary: string;
  /** Shape of errors: RFC 9457 problem documents, or OpenAI's envelope under /v1. */
  errors: 'problem' | 'openai';
  body?: ZodType;
  query?: ZodType;
  /** Whether each request counts against the client's bucket; true unless said. */
  rateLimited?: boolean;
  /** Served while the appliance waits for its setup code. */
  duringSetup?: boolean;
  responses: Record<number, ResponseSpec>;
  // biome-ignore lint/suspicious/noExplicitAny: the two types come from `body` and `query`; defineRoute ties them together.
  handler(call: RouteCall<any, any>): Response | Promise<Response>;
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
    handler(call: RouteCall<Output<B>, Output<Q>>): Response | Promise<Response>;
  },
): RouteDefinition {
  return route as RouteDefinition;
}

const jsonHeaders = { 'content-type': 'application/json' };

/** A JSON answer from text that is JSON already, in the form that the server writes out without copying headers. */
export function jsonText(text: string, status = 200): Response {
  return new Response(text, { status, headers: jsonHeaders });
}

/** A JSON answer. */
export function json(body: unknown, status = 200, headers?: Record<string, string>): Response {
  const text = JSON.stringify(body);
  if (headers === undefined) return jsonText(text, status);
  return new Response(text, { status, headers: { ...jsonHeaders, ...headers } });
}
