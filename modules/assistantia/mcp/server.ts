import { z } from 'zod';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { Navigator } from '../navigator/index.js';
import { statusSummary } from '../toolbox/summary.js';

/** Versions of the Model Context Protocol that this answers; the first is offered to a client that asks for another. */
export const mcpVersions = ['2025-06-18', '2025-03-26', '2025-11-25'] as const;

const QUERY_CHARS_MAX = 2000;
const STATUS_URI = 'arkalia://status';
const DOCUMENT_URI = 'arkalia://documents/';

/** JSON-RPC 2.0: a request when it has an id and a method, a notification without the id, a response without the method. */
export const rpcMessage = z.strictObject({
  jsonrpc: z.enum(['2.0']),
  id: z.union([z.string().max(256), z.number().int()]).optional(),
  method: z.string().max(200).optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  error: z.record(z.string(), z.unknown()).optional(),
});
type RpcMessage = z.infer<typeof rpcMessage>;

class RpcError extends Error {
  constructor(
    readonly code: -32_601 | -32_602 | -32_002,
    message: string,
  ) {
    super(message);
  }
}

type Params = Record<string, unknown>;
type Method = (params: Params) => unknown;

const readOnly = { readOnlyHint: true, openWorldHint: false };

/** What this appliance offers to MCP clients: its status and its documentation, to be read. It keeps no session. */
export class McpServer {
  readonly #context: ModuleContext;
  readonly #navigator: Pick<Navigator, 'search' | 'files'>;
  readonly #methods: Readonly<Record<string, Method>>;

  constructor(context: ModuleContext, navigator: Pick<Navigator, 'search' | 'files'>) {
    this.#context = context;
    this.#navigator = navigator;
    this.#methods = {
      initialize: (params) => this.#initialize(params),
      ping: () => ({}),
      'tools/list': () => ({ tools: tools }),
      'tools/call': (params) => this.#call(params),
      'resources/list': () => this.#resources(),
      'resources/templates/list': () => ({ resourceTemplates: [] }),
      'resources/read': (params) => this.#read(params),
    };
  }

  /** The response to a request; undefined for what takes none: notifications and responses. */
  answer({ id, method, params }: RpcMessage): object | undefined {
    if (id === undefined || method === undefined) return undefined;
    try {
      const known = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
      if (known === undefined) throw new RpcError(-32_601, 'There is no such method.');
      return { jsonrpc: '2.0', id, result: known(params ?? {}) };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return { jsonrpc: '2.0', id, error: { code: error.code, message: error.message } };
    }
  }

  #initialize({ protocolVersion }: Params): object {
    const version = mcpVersions.find((known) => known === protocolVersion) ?? mcpVersions[0];
    return {
      protocolVersion: version,
      capabilities: { tools: {}, resources: {} },
      serverInfo: { name: 'arkalia-luna', version: this.#context.version },
      instructions: 'The state and the documentation of a small local AI appliance, to be read.',
    };
  }

  #call({ name, arguments: given = {} }: Params): object {
    if (name === 'status') {
      const status = statusSummary(this.#context);
      return { content: [text(JSON.stringify(status))], structuredContent: status };
    }
    if (name !== 'search_documents') throw new RpcError(-32_602, 'There is no such tool.');
    const read = searchInput.safeParse(given);
    if (!read.success)
      return { isError: true, content: [text(`Give "query", 1 to ${QUERY_CHARS_MAX} characters.`)] };
    const passages = this.#navigator.search(read.data.query);
    return { content: [text(JSON.stringify(passages))], structuredContent: { passages } };
  }

  #resources(): object {
    const documents = this.#navigator.files.map(({ name }) => ({
      uri: DOCUMENT_URI + name,
      name,
      mimeType: 'text/markdown',
    }));
    return {
      resources: [{ uri: STATUS_URI, name: 'status', mimeType: 'application/json' }, ...documents],
    };
  }

  #read({ uri }: Params): object {
    if (uri === STATUS_URI) {
      const status = JSON.stringify(statusSummary(this.#context));
      return { contents: [{ uri, mimeType: 'application/json', text: status }] };
    }
    const file = this.#navigator.files.find(({ name }) => uri === DOCUMENT_URI + name);
    if (file === undefined) throw new RpcError(-32_002, 'There is no such resource.');
    return { contents: [{ uri, mimeType: 'text/markdown', text: file.markdown }] };
  }
}

const searchInput = z.object({ query: z.string().min(1).max(QUERY_CHARS_MAX) });

const tools = [
  {
    name: 'status',
    title: 'State of the appliance',
    description: 'Level of degradation, uptime, figures of the device, engines, ledger, open incidents.',
    inputSchema: { type: 'object', properties: {} },
    annotations: readOnly,
  },
  {
    name: 'search_documents',
    title: 'Search in its documentation',
    description: 'Passages of the documentation that name most of the words, best first.',
    inputSchema: {
      type: 'object',
      properties: { query: { type: 'string', minLength: 1, maxLength: QUERY_CHARS_MAX } },
      required: ['query'],
    },
    annotations: readOnly,
  },
];

const text = (content: string) => ({ type: 'text', text: content });
