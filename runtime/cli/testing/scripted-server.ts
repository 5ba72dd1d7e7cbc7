import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: unknown;
}

/** An HTTP server that answers as a test says, on a free port or a Unix socket. */
export class ScriptedServer {
  readonly seen: Seen[] = [];
  url = '';
  readonly #server: Server;

  private constructor(answer: (request: Seen, response: ServerResponse) => void) {
    this.#server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request;
        const seen = { method, path, headers, body: text === '' ? undefined : JSON.parse(text) };
        this.seen.push(seen);
        answer(seen, response);
      });
    });
  }

  static async start(
    answer: (request: Seen, response: ServerResponse) => void,
    socketPath?: string,
  ): Promise<ScriptedServer> {
    const made = new ScriptedServer(answer);
    const where = socketPath === undefined ? { port: 0, host: '127.0.0.1' } : { path: socketPath };
    await new Promise<void>((resolve) => made.#server.listen(where, resolve));
    if (socketPath === undefined)
      made.url = `http://127.0.0.1:${(made.#server.address() as AddressInfo).port}`;
    return made;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A problem document, as the server sends one. */
export function problem(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ status, title: 'A title', ...body }));
}
