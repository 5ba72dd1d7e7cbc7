import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server does with one prompt. Pieces are sent one write each, after `delayMs` (default 0) between them. */
export type Script =
  | { kind: 'ok'; pieces: string[]; delayMs?: number; finish?: 'stop' | 'length' }
  /** Says the pieces, then asks for tools; with OpenAI's API in parts, as servers stream them. */
  | { kind: 'calls'; calls: { name: string; arguments: object }[]; pieces?: string[] }
  /** Takes the request and never answers. */
  | { kind: 'stall' }
  /** Answers, says the pieces, then nothing more; the connection stays open. */
  | { kind: 'stall_mid'; pieces: string[] }
  /** Closes the connection before the head, or after the pieces. */
  | { kind: 'die' }
  | { kind: 'die_mid'; pieces: string[] }
  /** Ends the body properly, without the mark that ends an answer. */
  | { kind: 'truncated'; pieces: string[] }
  /** An error object in the stream after the pieces (none: before the first delta). */
  | { kind: 'error_mid'; pieces: string[]; error?: unknown }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** Status 200 and exactly these bytes. */
  | { kind: 'raw'; chunks: (string | Buffer)[]; contentType?: string }
  /** Bytes that are no HTTP. */
  | { kind: 'not_http' };

export interface RecordedRequest {
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
  /** The body as text; for prompts it is JSON. */
  body: string;
  /** Resolves when the connection of the request has closed: true when the answer was whole by then. */
  closed: Promise<boolean>;
}

export interface ScriptedUpstreamOptions {
  /** Which program it looks like when it is asked what it is. Prompts are taken on both APIs. Default `llamacpp`. */
  as?: 'ollama' | 'llamacpp' | 'openai';
  /** Default one, `scripted-model`. */
  models?: string[];
  /** Slots that it says it has, as llama.cpp; default 1. */
  slots?: number;
  /** What llama.cpp says of its context. */
  contextTokens?: number;
  /** How long it keeps a connection that nobody uses. Default 1000, for which Node's clients close theirs at once. */
  keepAliveMs?: number;
  /** Default 0, a free port. */
  port?: number;
}

const dialects: Record<string, ['ollama' | 'openai', 'chat' | 'embed']> = {
  '/api/chat': ['ollama', 'chat'],
  '/chat/completions': ['openai', 'chat'],
  '/api/embed': ['ollama', 'embed'],
  '/embeddings': ['openai', 'embed'],
};

/** The vector that a text gets: its length, a half and minus one. */
export const vectorOf = (text: string): number[] => [text.length, 0.5, -1];

function vectorsFor(body: string, dialect: 'ollama' | 'openai', model: string): object {
  const { input } = JSON.parse(body) as { input: string[] };
  if (dialect === 'ollama') return { model, embeddings: input.map(vectorOf), prompt_eval_count: 9 };
  const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }));
  return { object: 'list', model, data: data.reverse(), usage: { prompt_tokens: 9, total_tokens: 9 } };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * A model server for tests, on a free port of loopback, that speaks Ollama's API and OpenAI's and does what a script says.
 *
 *     const upstream = await ScriptedUpstream.start({ as: 'ollama' });
 *     upstream.always({ kind: 'ok', pieces: ['Hel', 'lo'] });   // for every prompt from now on
 *     upstream.next({ kind: 'die_mid', pieces: ['Hel'] });      // for the next prompt only; may be called several times
 *     …  upstream.url, upstream.requests, upstream.prompts
 *     await upstream.close();
 */
export class ScriptedUpstream {
  /** Every request, in order of arrival. */
  readonly requests: RecordedRequest[] = [];
  readonly #server: http.Server;
  readonly #models: string[];
  readonly #slots: number;
  readonly #contextTokens: number;
  readonly #as: 'ollama' | 'llamacpp' | 'openai';
  readonly #queue: Script[] = [];
  #port = 0;
  #always: Script = { kind: 'ok', pieces: ['Hello', ' from the script.'] };

  private constructor(options: ScriptedUpstreamOptions) {
    this.#as = options.as ?? 'llamacpp';
    this.#slots = options.slots ?? 1;
    this.#contextTokens = options.contextTokens ?? 131_072;
    this.#models = options.models ?? ['scripted-model'];
    this.#server = http.createServer((request, response) => {
      this.#take(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    this.#server.keepAliveTimeout = options.keepAliveMs ?? 1000;
  }

  static async start(options: ScriptedUpstreamOptions = {}): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream(options);
    upstream.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    upstream.#port = (upstream.#server.address() as AddressInfo).port;
    return upstream;
  }

  /** Stays the same after `close`. */
  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The requests that are prompts. */
  get prompts(): RecordedRequest[] {
    return this.requests.filter((request) => request.method === 'POST');
  }

  always(script: Script): void {
    this.#always = script;
  }

  next(...scripts: Script[]): void {
    this.#queue.push(...scripts);
  }

  /** Cuts every connection and stops listening. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    this.requests.push({
      method: request.method ?? '',
      path,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
      closed: new Promise((resolve) => response.on('close', () => resolve(response.writableFinished))),
    });
    if (request.method === 'GET') return this.#tell(path, response);
    const found = Object.keys(dialects).find((end) => path.endsWith(end));
    if (request.method !== 'POST' || found === undefined)
      return answer(response, 404, { error: 'no such path' });
    const [dialect, task] = dialects[found]!;
    const script = this.#queue.shift() ?? this.#always;
    const model = this.#models[0] ?? '';
    if (task === 'embed' && script.kind === 'ok')
      return answer(response, 200, vectorsFor(this.requests.at(-1)!.body, dialect, model));
    await play(script, new Speech(dialect, model, response));
  }

  #tell(path: string, response: http.ServerResponse): void {
    const ollama: Record<string, unknown> = {
      '/api/version': { version: '0.12.0' },
      '/api/tags': { models: this.#models.map((name) => ({ name, model: name })) },
    };
    const list = {
      object: 'list',
      data: this.#models.map((id) => ({
        id,
        object: 'model',
        created: 0,
        owned_by: this.#as === 'llamacpp' ? 'llamacpp' : 'someone',
      })),
    };
    const llamacpp = {
      '/v1/models': list,
      '/health': { status: 'ok' },
      '/props': { default_generation_settings: { n_ctx: this.#contextTokens }, total_slots: this.#slots },
    };
    const pages = { ollama, llamacpp, openai: { '/v1/models': list } }[this.#as] as Record<string, unknown>;
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) answer(response, 404, { error: 'no such path' });
    else answer(response, 200, page);
  }
}

function answer(response: http.ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Says pieces and endings in one of the two dialects. */
class Speech {
  readonly #dialect: 'ollama' | 'openai';
  readonly #model: string;
  readonly response: http.ServerResponse;

  constructor(dialect: 'ollama' | 'openai', model: string, response: http.ServerResponse) {
    this.#dialect = dialect;
    this.#model = model;
    this.response = response;
  }

  begin(contentType?: string): void {
    const own = this.#dialect === 'ollama' ? 'application/x-ndjson' : 'text/event-stream';
    this.response.writeHead(200, { 'content-type': contentType ?? own });
    this.response.flushHeaders();
  }

  async pieces(pieces: string[], delayMs = 0): Promise<void> {
    this.begin();
    if (this.#dialect === 'openai') {
      await this.write(': a comment, as llama.cpp sends them\n\n');
      await this.#chunk({ delta: { role: 'assistant', content: '' }, finish_reason: null });
      await this.#chunk({ delta: { reasoning_content: 'thinking' }, finish_reason: null });
    }
    for (const piece of pieces) {
      if (delayMs > 0) await pause(delayMs);
      if (this.#dialect === 'openai') await this.#chunk({ delta: { content: piece }, finish_reason: null });
      else await this.#line({ message: { role: 'assistant', content: piece }, done: false });
    }
  }

  async calls(calls: { name: string; arguments: object }[]): Promise<void> {
    if (this.#dialect === 'ollama') {
      const tool_calls = calls.map((call) => ({ function: call }));
      return this.#line({ message: { role: 'assistant', content: '', tool_calls }, done: false });
    }
    for (const [index, { name, arguments: args }] of calls.entries()) {
      const text = JSON.stringify(args);
      const parts = [
        { index, id: `upstream-${index}`, type: 'function', function: { name, arguments: '' } },
        { index, function: { arguments: text.slice(0, 3) } },
        { index, function: { arguments: text.slice(3) } },
      ];
      for (const part of parts) await this.#chunk({ delta: { tool_calls: [part] }, finish_reason: null });
    }
  }

  async finish(reason: 'stop' | 'length' | 'tool_calls', completion: number): Promise<void> {
    if (this.#dialect === 'ollama') {
      const counts = { prompt_eval_count: 7, eval_count: completion, total_duration: 1 };
      await this.#line({
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: reason === 'tool_calls' ? 'stop' : reason,
        ...counts,
      });
    } else {
      await this.#chunk({ delta: {}, finish_reason: reason });
      const usage = { prompt_tokens: 7, completion_tokens: completion, total_tokens: 7 + completion };
      await this.#event({ object: 'chat.completion.chunk', model: this.#model, choices: [], usage });
      await this.write('data: [DONE]\n\n');
    }
    this.response.end();
  }

  async error(error: unknown): Promise<void> {
    if (this.#dialect === 'ollama') await this.#write({ error });
    else await this.#event({ error });
    this.response.end();
  }

  /** Resolves when the bytes are handed to the connection, or it is gone. */
  write(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => this.response.write(bytes, () => resolve()));
  }

  #line(fields: object): Promise<void> {
    return this.#write({ model: this.#model, created_at: '2025-01-01T00:00:00Z', ...fields });
  }

  #write(value: object): Promise<void> {
    return this.write(`${JSON.stringify(value)}\n`);
  }

  #chunk(choice: object): Promise<void> {
    const choices = [{ index: 0, ...choice }];
    return this.#event({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 0,
      model: this.#model,
      choices,
    });
  }

  #event(value: object): Promise<void> {
    return this.write(`data: ${JSON.stringify(value)}\n\n`);
  }
}

async function play(script: Script, speech: Speech): Promise<void> {
  const { response } = speech;
  switch (script.kind) {
    case 'ok':
      await speech.pieces(script.pieces, script.delayMs);
      return speech.finish(script.finish ?? 'stop', script.pieces.length);
    case 'calls':
      await speech.pieces(script.pieces ?? []);
      await speech.calls(script.calls);
      return speech.finish('tool_calls', 5);
    case 'stall':
      return;
    case 'stall_mid':
      return speech.pieces(script.pieces);
    case 'die':
      response.socket?.destroy();
      return;
    case 'die_mid':
      await speech.pieces(script.pieces);
      response.socket?.destroy();
      return;
    case 'truncated':
      await speech.pieces(script.pieces);
      response.end();
      return;
    case 'error_mid':
      await speech.pieces(script.pieces);
      return speech.error(script.error ?? 'the model runner has unexpectedly stopped');
    case 'status':
      response.writeHead(script.status, script.headers).end(script.body ?? '{"error":"scripted"}');
      return;
    case 'raw':
      speech.begin(script.contentType);
      for (const chunk of script.chunks) await speech.write(chunk);
      response.end();
      return;
    case 'not_http':
      response.socket?.end('this is not HTTP\r\n\r\n');
  }
}
