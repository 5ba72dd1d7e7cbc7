import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import type { Prompt, PromptMessage, PromptSampling } from '../../../runtime/contracts/sandbox.js';
import { callsOf, callsSchema, OpenCalls, toolsOf, toolsSchema } from '../tools.js';
import { unsupported } from '../unsupported.js';

const MESSAGES_MAX = 1000;

const part = z.looseObject({ type: z.string() });
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(part)]).nullish(),
  name: z.string().max(256).nullish(),
  tool_calls: callsSchema.nullish(),
  tool_call_id: z.string().max(256).nullish(),
});

/** What OpenAI's two ways to ask have in common. */
export const commonFields = {
  model: z.string().max(200).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.number().int().min(1).max(1_000_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().min(0).max(1_000_000).nullish(),
  seed: z.number().int().min(-2_147_483_648).max(4_294_967_295).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  n: z.number().int().nullish(),
};

/** Body of POST /v1/chat/completions: what we read of it; fields that we do not know are ignored, as clients need. */
export const chatRequest = z.looseObject({
  ...commonFields,
  messages: z.array(message).min(1).max(MESSAGES_MAX),
  max_completion_tokens: z.number().int().min(1).max(1_000_000).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().nullish(),
  tools: toolsSchema.nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ type: z.enum(['function']), function: z.looseObject({ name: z.string() }) }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  functions: z.array(z.unknown()).nullish(),
  response_format: z
    .looseObject({
      type: z.string(),
      json_schema: z.looseObject({ schema: z.record(z.string(), z.unknown()).nullish() }).nullish(),
    })
    .nullish(),
});

export type ChatRequest = z.infer<typeof chatRequest>;
type CommonRequest = z.infer<z.ZodObject<typeof commonFields>>;

export function refuseSeveral(n: number | null | undefined): void {
  if ((n ?? 1) !== 1)
    throw unsupported('n', 'Only one answer a request is made: leave n out or set it to 1.');
}

function refuseUnsupported(body: ChatRequest): void {
  refuseSeveral(body.n);
  if (body.logprobs === true || (body.top_logprobs ?? 0) > 0)
    throw unsupported('logprobs', 'Log probabilities are not available.');
  if ((body.functions ?? []).length > 0)
    throw unsupported('functions', 'functions has been replaced: send tools.');
  if (body.parallel_tool_calls === false && (body.tools ?? []).length > 0)
    throw unsupported('parallel_tool_calls', 'How many tools a model calls cannot be limited: leave it out.');
}

type Content = z.infer<typeof message>['content'];

function textOf(content: Content, index: number): string {
  if (content === null || content === undefined) return '';
  if (typeof content === 'string') return content;
  return content
    .map((item) => {
      if (item.type === 'text' && typeof item.text === 'string') return item.text;
      throw unsupported(
        `messages.${index}.content`,
        item.type === 'image_url' || item.type === 'input_image'
          ? 'Images are not processed by this appliance; send text parts only.'
          : 'Only text parts are processed by this appliance.',
      );
    })
    .join('');
}

const roleOf = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
} as const;

function messagesOf(body: ChatRequest): PromptMessage[] {
  const open = new OpenCalls();
  return body.messages.map((given, index) => {
    const role = roleOf[given.role];
    const content = textOf(given.content, index);
    if (role === 'assistant') {
      const toolCalls = callsOf(given.tool_calls, index);
      open.add(toolCalls ?? []);
      return { role, content, ...(toolCalls === undefined ? {} : { toolCalls }) };
    }
    if (role !== 'tool') return { role, content };
    const answers = open.answered({
      id: given.tool_call_id ?? undefined,
      name: given.name ?? undefined,
    });
    return { role, content, ...(answers === undefined ? {} : { answers }) };
  });
}

export function samplingOf(body: CommonRequest, maxTokens = body.max_tokens): PromptSampling {
  const sampling: PromptSampling = {};
  if (maxTokens != null) sampling.maxTokens = maxTokens;
  if (body.temperature != null) sampling.temperature = body.temperature;
  if (body.top_p != null) sampling.topP = body.top_p;
  if (body.top_k != null) sampling.topK = body.top_k;
  if (body.seed != null) sampling.seed = body.seed;
  if (body.stop != null) sampling.stop = [body.stop].flat();
  return sampling;
}

function invalid(param: string, message: string): AppError {
  return new AppError('invalid_request', message, { details: { param } });
}

function toolsAndChoice({ tools: given, tool_choice: choice }: ChatRequest): Partial<Prompt> {
  const tools = toolsOf(given);
  if (tools === undefined) {
    if (choice == null || choice === 'none' || choice === 'auto') return {};
    throw invalid('tool_choice', 'tool_choice asks for a tool, and tools lists none.');
  }
  if (choice === 'none') return {};
  if (choice == null || choice === 'auto') return { tools };
  if (choice === 'required') return { tools, toolChoice: 'required' };
  const { name } = choice.function;
  if (!tools.some((tool) => tool.name === name))
    throw invalid('tool_choice', 'tool_choice names a tool that tools does not list.');
  return { tools, toolChoice: { name } };
}

function formatOf({ response_format: format }: ChatRequest): Partial<Prompt> {
  switch (format?.type ?? 'text') {
    case 'text':
      return {};
    case 'json_object':
      return { format: 'json' };
    case 'json_schema': {
      const schema = format?.json_schema?.schema;
      if (schema == null)
        throw invalid('response_format.json_schema.schema', 'response_format lacks its json_schema.schema.');
      return { format: { schema } };
    }
    default:
      throw unsupported(
        'response_format',
        'response_format is one of "text", "json_object" and "json_schema" here.',
      );
  }
}

/**
 * The request in our own form.
 * @throws AppError `unsupported_content` for what would change its meaning if it were ignored, `invalid_request` for what contradicts itself.
 */
export function promptOf(body: ChatRequest): Prompt {
  refuseUnsupported(body);
  return {
    messages: messagesOf(body),
    sampling: samplingOf(body, body.max_completion_tokens ?? body.max_tokens),
    ...toolsAndChoice(body),
    ...formatOf(body),
  };
}
