import { z } from 'zod';
import { AppError } from '../../runtime/contracts/errors.js';
import type { PromptTool, ToolCall } from '../../runtime/contracts/sandbox.js';

const TOOLS_MAX = 128;
const CALLS_MAX = 128;

const toolName = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be 1 to 128 of A-Z a-z 0-9 _ . -');
const jsonObject = z.record(z.string(), z.unknown());

/** Tools as OpenAI's API and Ollama's write them. */
export const toolsSchema = z
  .array(
    z.looseObject({
      type: z.enum(['function']).describe('Only functions, which the client runs'),
      function: z.looseObject({
        name: toolName,
        description: z.string().nullish(),
        parameters: jsonObject.nullish(),
      }),
    }),
  )
  .max(TOOLS_MAX);

/** Tool calls in a message of the assistant: arguments are JSON text (OpenAI) or an object (Ollama). */
export const callsSchema = z
  .array(
    z.looseObject({
      id: z.string().max(256).nullish(),
      function: z.looseObject({
        name: toolName,
        arguments: z.union([z.string(), jsonObject]).nullish(),
      }),
    }),
  )
  .max(CALLS_MAX);

/** The tools in our own form; undefined when there are none. */
export function toolsOf(tools: z.infer<typeof toolsSchema> | null | undefined): PromptTool[] | undefined {
  if (tools === null || tools === undefined || tools.length === 0) return undefined;
  return tools.map(({ function: { name, description, parameters } }) => ({
    name,
    ...(description == null ? {} : { description }),
    ...(parameters == null ? {} : { parameters }),
  }));
}

/**
 * The calls in our own form. A call without an id gets one from its place, so that its answer can name it.
 * @throws AppError `invalid_request` for arguments that are no JSON object.
 */
export function callsOf(
  calls: z.infer<typeof callsSchema> | null | undefined,
  place: number,
): ToolCall[] | undefined {
  if (calls === null || calls === undefined || calls.length === 0) return undefined;
  return calls.map(({ id, function: { name, arguments: args } }, i) => ({
    id: id ?? `call_${place}_${i}`,
    name,
    arguments: objectText(args, `messages.${place}.tool_calls.${i}.function.arguments`),
  }));
}

function objectText(args: string | Record<string, unknown> | null | undefined, param: string): string {
  if (args === null || args === undefined || args === '') return '{}';
  if (typeof args !== 'string') return JSON.stringify(args);
  const refusal = (cause?: unknown) =>
    new AppError('invalid_request', `${param} is not the text of a JSON object.`, {
      details: { param },
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(args);
  } catch (cause) {
    throw refusal(cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refusal();
  return JSON.stringify(value);
}

/**
 * Which call a tool's message answers: by its id; or the oldest call of its tool that is not answered yet; or, as LangChain's Ollama says
 * neither, the oldest at all.
 */
export class OpenCalls {
  readonly #open: ToolCall[] = [];

  add(calls: readonly ToolCall[]): void {
    this.#open.push(...calls);
  }

  answered(given: {
    id?: string | undefined;
    name?: string | undefined;
  }): { id?: string; name?: string } | undefined {
    const at = this.#open.findIndex((call) => {
      if (given.id !== undefined) return call.id === given.id;
      return given.name === undefined || call.name === given.name;
    });
    const [found] = at === -1 ? [] : this.#open.splice(at, 1);
    const id = found?.id ?? given.id;
    const name = found?.name ?? given.name;
    if (id === undefined && name === undefined) return undefined;
    return { ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) };
  }
}
