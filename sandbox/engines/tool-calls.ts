import { isRecord, plainName } from '../check.js';
import type { PromptTool, ToolCall } from '../types.js';

/** Longest name of a tool. */
const nameLengthMax = 256;

/** The tools in the form that OpenAI's API and Ollama's share. */
export function toolsBody(tools: readonly PromptTool[]): object[] {
  return tools.map((tool) => ({ type: 'function', function: tool }));
}

/**
 * A call as an engine said it: its name, its arguments as an object or as JSON text (none counts as `{}`), and its id, empty when it has
 * none. Null when it is no call.
 */
export function readCall(given: { id: unknown; name: unknown; arguments: unknown }): ToolCall | null {
  const name = plainName(given.name, nameLengthMax);
  const args = isRecord(given.arguments) ? given.arguments : parsed(given.arguments);
  if (name === '' || args === null) return null;
  return { id: plainName(given.id), name, arguments: JSON.stringify(args) };
}

function parsed(text: unknown): Record<string, unknown> | null {
  if (text === undefined || text === '') return {};
  if (typeof text !== 'string') return null;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
