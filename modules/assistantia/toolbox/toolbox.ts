import { AppError } from '../../../runtime/contracts/errors.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { PromptTool, ToolCall } from '../../../runtime/contracts/sandbox.js';
import { type ToolGrant, toolGrants } from '../../../runtime/contracts/tools.js';
import { codeTool } from './code-tool.js';
import { mcpTools } from './mcp-tools.js';
import type { Passages, Tool, ToolOutput } from './tool.js';

const MCP = 'mcp:';

/** The tools of one request. */
export class Toolbox {
  readonly #tools: ReadonlyMap<string, Tool>;

  /**
   * `asked`: grants, and MCP servers as `mcp:NAME`, which are started if they are not running.
   * @throws AppError `forbidden` for what the configuration does not have, `sandbox_failed` for an MCP server that does not start.
   */
  static async for(
    context: ModuleContext,
    asked: readonly string[],
    passages: Passages,
  ): Promise<Toolbox | undefined> {
    if (asked.length === 0) return undefined;
    const names = new Set(asked);
    const grants = toolGrants.filter((grant) => names.has(grant));
    const servers = [...names].flatMap((name) => (name.startsWith(MCP) ? [name.slice(MCP.length)] : []));
    refuseUnknown(context, grants, servers);
    const code = grants.length === 0 ? [] : [codeTool(context, grants, passages)];
    const others = await Promise.all(servers.map((server) => mcpTools(context, server)));
    return new Toolbox([...code, ...others.flat()]);
  }

  private constructor(tools: readonly Tool[]) {
    this.#tools = new Map(tools.map((tool) => [tool.offer.name, tool]));
  }

  offers(): PromptTool[] {
    return [...this.#tools.values()].map(({ offer }) => offer);
  }

  async run(call: ToolCall, options: { signal: AbortSignal; timeoutMs: number }): Promise<ToolOutput> {
    const tool = this.#tools.get(call.name);
    if (tool !== undefined) return tool.run(JSON.parse(call.arguments), options);
    const names = [...this.#tools.keys()].join(', ');
    return { outcome: 'no_such_tool', text: `There is no such tool; there is ${names}.`, calls: 0 };
  }
}

function refuseUnknown(
  { config, mcp }: ModuleContext,
  grants: readonly ToolGrant[],
  servers: string[],
): void {
  const missing = grants.filter((grant) => !config.tools.granted.includes(grant));
  const unknown = servers.filter((server) => !mcp.names().includes(server));
  const details = { param: 'tools' };
  if (missing.length > 0)
    throw new AppError('forbidden', `tools.granted does not have ${missing.join(', ')}.`, { details });
  if (unknown.length > 0)
    throw new AppError('forbidden', `mcp.servers does not have ${unknown.join(', ')}.`, { details });
}
