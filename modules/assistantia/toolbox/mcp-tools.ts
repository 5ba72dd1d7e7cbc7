import type { McpTool } from '../../../runtime/contracts/mcp.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { Tool } from './tool.js';

/**
 * The tools of an MCP server as the model sees them: `SERVER__TOOL`. The words with which a server describes a tool go to the model, so
 * they are judged as a document; a tool whose words are refused is left out.
 */
export async function mcpTools(context: ModuleContext, server: string): Promise<Tool[]> {
  const tools: Tool[] = [];
  for (const tool of await context.mcp.tools(server)) {
    const words = `${tool.description}\n${JSON.stringify(tool.parameters)}`;
    const { verdict } = await context.guard.detect(words, { mode: 'document', tools: true });
    if (verdict === 'refuse')
      context.log.warn({ server, tool: tool.name }, 'the guard refused the words of a tool');
    else tools.push(toolOf(context, server, tool));
  }
  return tools;
}

function toolOf(
  { mcp, config }: ModuleContext,
  server: string,
  { name, description, parameters }: McpTool,
): Tool {
  return {
    offer: { name: `${server}__${name}`, description, parameters },
    async run(args, options) {
      const { outcome, text } = await mcp.call(server, { tool: name, args }, options);
      return { outcome, text: text.slice(0, config.tools.output_chars_max), calls: 1 };
    },
  };
}
