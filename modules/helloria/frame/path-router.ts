import { METHOD_NAME_ALL, type Result, type Router } from 'hono/router';
import { TrieRouter } from 'hono/router/trie-router';

/**
 * Finds a path that is spelled out with one look, and leaves patterns (`:id`) to Hono's trie. Hono's own choice for routes such as
 * /keys/:id beside /keys/usage is the trie for all of them, which takes every path apart. A spelled path goes before a pattern
 * that fits too, in whatever order they were added; so it takes no handlers of all methods, which could be meant to stand around others.
 */
export class PathRouter<T> implements Router<T> {
  readonly name = 'PathRouter';
  /** By path, then by method. */
  readonly #spelled = new Map<string, Map<string, [[T, Record<string, string>][]]>>();
  readonly #patterns = new TrieRouter<T>();

  /** @throws RangeError for a handler of all methods. */
  add(method: string, path: string, handler: T): void {
    if (method === METHOD_NAME_ALL) throw new RangeError(`${path} is for all methods; a route has one`);
    if (/[:*]/.test(path)) {
      this.#patterns.add(method, path, handler);
      return;
    }
    const methods = this.#spelled.get(path) ?? new Map<string, [[T, Record<string, string>][]]>();
    this.#spelled.set(path, methods);
    const found = methods.get(method);
    if (found === undefined) methods.set(method, [[[handler, {}]]]);
    else found[0].push([handler, {}]);
  }

  match(method: string, path: string): Result<T> {
    return this.#spelled.get(path)?.get(method) ?? this.#patterns.match(method, path);
  }
}
