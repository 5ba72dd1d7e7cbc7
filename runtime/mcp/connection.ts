import { z } from 'zod';
import type { ToolServerEnding, ToolServerListener, ToolServerProcess } from '../../sandbox/index.js';
import type { McpTool } from '../contracts/mcp.js';

const version = '2025-06-18';
const toolsMax = 64;
const pagesMax = 16;
const waitingMax = 64;
const descriptionCharsMax = 2000;
const schemaCharsMax = 20_000;

/** The server broke off, or answered with an error of the protocol. */
export class McpFault extends Error {
  constructor(
    readonly outcome: string,
    message: string,
  ) {
    super(message);
  }
}

const message = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]).nullish(),
  method: z.string().optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
});

const listed = z.looseObject({
  tools: z.array(z.looseObject({ name: z.string() })),
  nextCursor: z.string().optional(),
});
const offered = z.looseObject({
  name: z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/),
  description: z.string().default(''),
  inputSchema: z.record(z.string(), z.unknown()).default({}),
});
const called = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).default([]),
  isError: z.boolean().optional(),
});

interface Waiting {
  resolve(result: Record<string, unknown>): void;
  reject(fault: McpFault): void;
}

/** One conversation with one process of an MCP server, over its standard streams. What makes no sense in it ends the process. */
export class McpConnection {
  readonly ended: Promise<ToolServerEnding>;
  readonly #process: ToolServerProcess;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #over = false;

  constructor(start: (listen: ToolServerListener) => ToolServerProcess) {
    this.#process = start((line) => this.#hear(line));
    this.ended = this.#process.exited.then((ending) => {
      this.#over = true;
      for (const { reject } of this.#waiting.values())
        reject(new McpFault(ending, `The server ended (${ending}).`));
      this.#waiting.clear();
      return ending;
    });
  }

  kill(why: ToolServerEnding): void {
    this.#process.kill(why);
  }

  /** Greets, and asks what tools there are. What does not fit of a tool leaves it out. */
  async open(options: { timeoutMs: number; clientVersion: string }): Promise<McpTool[]> {
    const { timeoutMs, clientVersion } = options;
    const signal = new AbortController().signal;
    const ask = (method: string, params: object) => this.#ask(method, params, { timeoutMs, signal });
    await ask('initialize', {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 'arkalia-luna', version: clientVersion },
    });
    this.#send({ method: 'notifications/initialized' });
    const tools: McpTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax && tools.length < toolsMax; page += 1) {
      const read = listed.safeParse(await ask('tools/list', cursor === undefined ? {} : { cursor }));
      if (!read.success) throw this.#garbage();
      tools.push(...read.data.tools.flatMap(fitting));
      cursor = read.data.nextCursor;
      if (cursor === undefined) break;
    }
    return tools.slice(0, toolsMax);
  }

  /** The words of what a tool gives. @throws McpFault */
  async call(
    tool: string,
    args: unknown,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<{ isError: boolean; text: string }> {
    const read = called.safeParse(await this.#ask('tools/call', { name: tool, arguments: args }, options));
    if (!read.success) throw this.#garbage();
    const { content, isError = false } = read.data;
    return { isError, text: content.map(({ type, text }) => text ?? `[${type}]`).join('\n') };
  }

  #ask(
    method: string,
    params: object,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Record<string, unknown>> {
    if (this.#over) return Promise.reject(new McpFault('left', 'The server has ended.'));
    if (this.#waiting.size >= waitingMax)
      return Promise.reject(new McpFault('busy', 'Too many calls wait already.'));
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      // Who does not answer is not asked again: the process ends.
      const timer = setTimeout(() => this.kill('deadline'), timeoutMs);
      const forget = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.#waiting.delete(id);
      };
      const abort = () => {
        forget();
        this.#send({ method: 'notifications/cancelled', params: { requestId: id } });
        reject(new McpFault('aborted', 'It was given up.'));
      };
      this.#waiting.set(id, {
        resolve: (result) => {
          forget();
          resolve(result);
        },
        reject: (fault) => {
          forget();
          reject(fault);
        },
      });
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort, { once: true });
      this.#send({ id, method, params });
    });
  }

  #send(body: object): void {
    this.#process.send(JSON.stringify({ jsonrpc: '2.0', ...body }));
  }

  #garbage(): McpFault {
    this.kill('garbage');
    return new McpFault('garbage', 'The server answered what is not its protocol.');
  }

  #hear(line: string): void {
    const read = message.safeParse(parsed(line));
    if (!read.success) {
      this.kill('garbage');
      return;
    }
    const { id, method, result, error } = read.data;
    if (method !== undefined) {
      if (id === undefined || id === null) return;
      // It may ask whether we live, and for nothing else.
      if (method === 'ping') this.#send({ id, result: {} });
      else this.#send({ id, error: { code: -32_601, message: 'This client does not do that.' } });
      return;
    }
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    // An answer to a call that was given up.
    if (waiting === undefined) return;
    if (result !== undefined) waiting.resolve(result);
    else
      waiting.reject(
        new McpFault(
          'error',
          error === undefined ? 'The server gave no result.' : `The server refused (${error.code}).`,
        ),
      );
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function fitting(tool: unknown): McpTool[] {
  const read = offered.safeParse(tool);
  if (!read.success || JSON.stringify(read.data.inputSchema).length > schemaCharsMax) return [];
  const { name, description, inputSchema } = read.data;
  return [{ name, description: description.slice(0, descriptionCharsMax), parameters: inputSchema }];
}
