import { AppError } from '../../../runtime/contracts/errors.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { PromptTool, ToolCall } from '../../../runtime/contracts/sandbox.js';
import type { ToolGrant } from '../../../runtime/contracts/tools.js';
import { codeTool } from './code-tool.js';
import type { Passages, Tool, ToolOutput } from './tool.js';

/** The tools of one request. */
export class Toolbox {
  readonly #tools: ReadonlyMap<string, Tool>;

  /** @throws AppError `forbidden` for a grant that the configuration does not have. */
  static for(context: ModuleContext, asked: readonly ToolGrant[], passages: Passages): Toolbox | undefined {
    if (asked.length === 0) return undefined;
    const { granted } = context.config.tools;
    const missing = asked.filter((grant) => !granted.includes(grant));
    if (missing.length > 0)
      throw new AppError('forbidden', `tools.granted does not have ${missing.join(', ')}.`, {
        details: { param: 'tools' },
      });
    return new Toolbox([codeTool(context, [...new Set(asked)], passages)]);
  }

  constructor(tools: readonly Tool[]) {
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
  }

  offers(): PromptTool[] {
    return [...this.#tools.values()].map(({ offer }) => offer);
  }

  async run(call: ToolCall, options: { signal: AbortSignal; timeoutMs: number }): Promise<ToolOutput> {
    const tool = this.#tools.get(call.name);
    if (tool === undefined)
      return {
        outcome: 'no_such_tool',
        text: `There is no such tool; there is ${[...this.#tools.keys()].join(', ')}.`,
        calls: 0,
      };
    return tool.run(JSON.parse(call.arguments), options);
  }
}
