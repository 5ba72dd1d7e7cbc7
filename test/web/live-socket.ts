import { WebSocket } from 'ws';
import type { TestAppliance } from '../support/appliance.js';

export type Said = Record<string, unknown> & { type: string };

/** A client of /ws that remembers what it was told. */
export class LiveSocketClient {
  readonly said: Said[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly #refused: Promise<Error | undefined>;

  constructor(
    { url }: Pick<TestAppliance, 'url'>,
    options: { protocols?: string[]; headers?: Record<string, string> } = {},
  ) {
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, options.protocols ?? [], {
      headers: options.headers ?? {},
    });
    this.socket.on('message', (data) => this.said.push(JSON.parse(String(data)) as Said));
    this.closed = new Promise((resolve) => this.socket.once('close', (code) => resolve(code)));
    this.#refused = new Promise((resolve) => {
      this.socket.once('open', () => resolve(undefined));
      this.socket.on('error', resolve);
      this.socket.once('unexpected-response', (_, { statusCode }) =>
        resolve(new Error(`HTTP ${statusCode}`)),
      );
    });
  }

  /** Resolves with the hello, or rejects with `HTTP status` when it was refused. */
  async open(): Promise<Said> {
    const refused = await this.#refused;
    if (refused !== undefined) throw refused;
    return this.until(({ type }) => type === 'hello');
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first of what was and will be said that fits. */
  async until(fits: (said: Said) => boolean, withinMs = 15_000): Promise<Said> {
    const endMs = performance.now() + withinMs;
    for (;;) {
      const found = this.said.find(fits);
      if (found !== undefined) return found;
      if (performance.now() > endMs)
        throw new Error(`not said: ${fits}; said: ${JSON.stringify(this.said).slice(0, 2000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
