import { session } from '../session.svelte.js';
import type { Operations } from './operations.js';
import { Problem, problemOf, unreachable } from './problem.js';

type Parameters<K extends keyof Operations> = Omit<Operations[K], 'answer'>;

interface Loose {
  path?: Record<string, string>;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
}

/** A request with the key, if there is one. @throws Problem, `unreachable` when there was no answer. */
export async function request(target: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (session.key !== null) headers.set('authorization', `Bearer ${session.key}`);
  let answer: Response;
  try {
    answer = await fetch(target, { ...init, headers });
  } catch (error) {
    if (error instanceof TypeError) throw unreachable;
    throw error;
  }
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  session.note(problem.code);
  throw problem;
}

/** Calls an operation of the OpenAPI document, whose types it has. @throws Problem */
export async function call<K extends keyof Operations>(
  operation: K,
  parameters: Parameters<K>,
  signal?: AbortSignal,
): Promise<Operations[K]['answer']> {
  const { path = {}, query = {}, body } = parameters as Loose;
  const [method = 'GET', template = ''] = operation.split(' ');
  const target = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const answer = await request(search.size === 0 ? target : `${target}?${search}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    ...(signal === undefined ? {} : { signal }),
  });
  return (answer.status === 204 ? undefined : await answer.json()) as Operations[K]['answer'];
}

/** Whatever was thrown, as a problem that can be worded. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  throw error;
}
