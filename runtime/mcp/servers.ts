import type {
  ToolServerEnding,
  ToolServerListener,
  ToolServerProcess,
  ToolServerSpec,
} from '../../sandbox/index.js';
import type { Config } from '../config/schema.js';
import { AppError } from '../contracts/errors.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { McpOutput, McpServerStatus, McpServers, McpTool } from '../contracts/mcp.js';
import { HostList } from '../outgoing/hosts.js';
import { openProxy, type WayOut } from '../outgoing/proxy.js';
import { McpConnection, McpFault } from './connection.js';

/** Most that one connection of a server may bring in. */
const PROXY_BYTES_MAX = 67_108_864;
const restFirstMs = 1000;
const restMaxMs = 300_000;

type ServerConfig = Config['mcp']['servers'][string];

type State =
  | { state: 'idle' }
  | { state: 'open'; connection: McpConnection; tools: Promise<McpTool[]>; ready: boolean }
  | { state: 'resting'; untilMs: number; problem: string };

export interface McpOptions {
  servers: Config['mcp']['servers'];
  env: Readonly<Record<string, string | undefined>>;
  start(spec: ToolServerSpec, listen: ToolServerListener): ToolServerProcess;
  nowMs(): number;
  version: string;
  record(event: NewEvent): void;
  onProblem(error: Error): void;
}

/** The configured servers. `close` ends the ways out that were opened for them; their processes end with the sandbox. */
export function createMcpServers(options: McpOptions): McpServers & { close(): void } {
  const servers = new Map(
    Object.entries(options.servers).map(([name, config]) => [name, new Server(name, config, options)]),
  );
  const get = (name: string): Server => {
    const server = servers.get(name);
    if (server === undefined) throw new RangeError(`there is no MCP server ${name}`);
    return server;
  };
  return {
    names: () => [...servers.keys()],
    tools: (name) => get(name).tools(),
    call: (name, call, how) => get(name).call(call, how),
    close: () => {
      for (const server of servers.values()) server.close();
    },
    status: () => Object.fromEntries([...servers].map(([name, server]) => [name, server.status()])),
  };
}

/** One server: started when it is needed, and after a failure given a rest that doubles until it has answered a call. */
class Server {
  readonly #name: string;
  readonly #config: ServerConfig;
  readonly #options: McpOptions;
  readonly #proxy: WayOut | undefined;
  #state: State = { state: 'idle' };
  #failures = 0;
  #starts = 0;

  constructor(name: string, config: ServerConfig, options: McpOptions) {
    this.#name = name;
    this.#config = config;
    this.#options = options;
    const { hosts } = config;
    if (hosts.length > 0)
      this.#proxy = openProxy({
        hosts: new HostList(hosts),
        bytesMax: PROXY_BYTES_MAX,
        onProblem: options.onProblem,
      });
  }

  close(): void {
    this.#proxy?.close();
  }

  status(): McpServerStatus {
    const starts = this.#starts;
    if (this.#state.state === 'open') return { state: this.#state.ready ? 'ready' : 'starting', starts };
    if (this.#state.state === 'resting') return { state: 'resting', problem: this.#state.problem, starts };
    return { state: 'idle', starts };
  }

  async tools(): Promise<McpTool[]> {
    try {
      return await this.#open().tools;
    } catch (error) {
      if (!(error instanceof McpFault)) throw error;
      throw new AppError('sandbox_failed', `The MCP server ${this.#name} does not work: ${error.message}`, {
        ...(this.#state.state === 'resting'
          ? { retryAfterMs: Math.max(0, this.#state.untilMs - this.#options.nowMs()) }
          : {}),
      });
    }
  }

  async call(
    { tool, args }: { tool: string; args: unknown },
    { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
  ): Promise<McpOutput> {
    try {
      const { connection, tools } = this.#open();
      await tools;
      const limit = Math.min(timeoutMs, this.#config.call_ms);
      const { isError, text } = await connection.call(tool, args, { signal, timeoutMs: limit });
      this.#failures = 0;
      return { outcome: isError ? 'error' : 'ok', text };
    } catch (error) {
      if (!(error instanceof McpFault)) throw error;
      return { outcome: error.outcome, text: error.message };
    }
  }

  /** The process that runs, or a new one. @throws McpFault while it rests. */
  #open(): Extract<State, { state: 'open' }> {
    if (this.#state.state === 'open') return this.#state;
    if (this.#state.state === 'resting' && this.#options.nowMs() < this.#state.untilMs)
      throw new McpFault('resting', `It failed and is given a rest (${this.#state.problem}).`);
    this.#starts += 1;
    let connection: McpConnection;
    try {
      connection = new McpConnection((listen) => this.#options.start(this.#spec(), listen));
    } catch (error) {
      throw this.#rest(error instanceof Error ? error.message : 'not_started');
    }
    const { start_ms: timeoutMs } = this.#config;
    const tools = connection.open({ timeoutMs, clientVersion: this.#options.version });
    const opened: State = { state: 'open', connection, tools, ready: false };
    this.#state = opened;
    tools.then(
      (found) => {
        opened.ready = true;
        this.#tell('started', `${found.length} tools`);
      },
      (fault: McpFault) => connection.kill(fault.outcome === 'deadline' ? 'deadline' : 'garbage'),
    );
    void connection.ended.then((ending) => this.#ended(ending));
    return opened;
  }

  #ended(ending: ToolServerEnding): void {
    this.#tell('ended', ending);
    if (ending === 'stopped') this.#state = { state: 'idle' };
    else this.#rest(ending);
  }

  #rest(problem: string): McpFault {
    const restMs = Math.min(restFirstMs * 2 ** this.#failures, restMaxMs);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#state = { state: 'resting', untilMs: this.#options.nowMs() + restMs, problem };
    return new McpFault('not_started', `It could not be started: ${problem}.`);
  }

  #tell(change: 'started' | 'ended', why: string): void {
    const data = { server: this.#name, change, why };
    this.#options.record({ type: 'mcp_server_changed', module: 'kernel', data });
  }

  #spec(): ToolServerSpec {
    const {
      command,
      args,
      folders,
      env,
      memory_bytes: memoryBytes,
      line_bytes_max: lineBytesMax,
    } = this.#config;
    const given = env.flatMap((name) => {
      const value = this.#options.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      command,
      args,
      folders: folders.map((text) => ({ path: text.replace(/:rw$/, ''), write: text.endsWith(':rw') })),
      env: Object.fromEntries(given),
      ...(this.#proxy === undefined ? {} : { proxy: this.#proxy.socket }),
      memoryBytes,
      lineBytesMax,
    };
  }
}
