import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers a request, or says that it does not. */
export type Direct = (incoming: IncomingMessage, outgoing: ServerResponse) => boolean;

/**
 * Routes that are served without Hono's Request, Context and Response, by their path as it is spelled. They are mounted in Hono too: it
 * takes what this does not know, such as a target in absolute form.
 */
export class DirectRoutes {
  /** By path, then by method. */
  readonly #routes = new Map<string, Map<string, Direct>>();

  add(method: string, path: string, serve: Direct): void {
    const methods = this.#routes.get(path) ?? new Map<string, Direct>();
    this.#routes.set(path, methods.set(method, serve));
  }

  /** False: it is Hono's. */
  serve(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
    const { method = '', url = '' } = incoming;
    const end = url.indexOf('?');
    const direct = this.#routes.get(end === -1 ? url : url.slice(0, end))?.get(method);
    return direct?.(incoming, outgoing) ?? false;
  }
}
