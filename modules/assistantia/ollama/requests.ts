import { z } from 'zod';
import type { Prompt, PromptMessage, PromptSampling } from '../../../runtime/contracts/sandbox.js';
import { callsOf, callsSchema, OpenCalls, toolsOf, toolsSchema } from '../tools.js';
import { unsupported } from '../unsupported.js';

const MESSAGES_MAX = 1000;

const options = z.looseObject({
  num_predict: z.number().int().min(-2).max(1_000_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().int().min(0).max(1_000_000).nullish(),
  seed: z.number().int().min(-2_147_483_648).max(4_294_967_295).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
});

const images = z.array(z.unknown()).nullish();

const commonFields = {
  stream: z.boolean().nullish(),
  format: z.union([z.enum(['json', '']), z.record(z.string(), z.unknown())]).nullish(),
  options: options.nullish(),
  think: z.union([z.boolean(), z.string()]).nullish(),
  logprobs: z.boolean().nullish(),
};

/** The name of a model; under `name`, as old clients send it, or `model`. */
export const modelName = z.string().min(1).max(200);

const message = z.looseObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  images,
  tool_calls: callsSchema.nullish(),
  tool_name: z.string().max(256).nullish(),
  tool_call_id: z.string().max(256).nullish(),
});

/** Body of POST /api/chat: what we read of it; other fields and options are ignored. */
export const chatRequest = z.looseObject({
  ...commonFields,
  model: modelName,
  messages: z.array(message).min(1).max(MESSAGES_MAX),
  tools: toolsSchema.nullish(),
});

/** Body of POST /api/generate: what we read of it. */
export const generateRequest = z.looseObject({
  ...commonFields,
  model: modelName,
  prompt: z.string().min(1),
  system: z.string().nullish(),
  images,
  suffix: z.string().nullish(),
  template: z.string().nullish(),
  raw: z.boolean().nullish(),
  context: z.array(z.unknown()).nullish(),
});

type Common = Pick<z.infer<typeof chatRequest>, keyof typeof commonFields>;

function refuseCommon({ think, logprobs }: Common): void {
  if (think !== null && think !== undefined && think !== false)
    throw unsupported('think', 'The thoughts of a model are not passed on: leave think out.');
  if (logprobs === true) throw unsupported('logprobs', 'Log probabilities are not available.');
}

function refuseImages(given: z.infer<typeof images>, param: string): void {
  if ((given ?? []).length > 0)
    throw unsupported(param, 'Images are not processed by this appliance; send text only.');
}

function samplingOf(given: z.infer<typeof options> | null | undefined): PromptSampling {
  const { num_predict: maxTokens, temperature, top_p: topP, top_k: topK, seed, stop } = given ?? {};
  return {
    // Below 1 it means as many as there is room for.
    ...(maxTokens == null || maxTokens < 1 ? {} : { maxTokens }),
    ...(temperature == null ? {} : { temperature }),
    ...(topP == null ? {} : { topP }),
    ...(topK == null ? {} : { topK }),
    ...(seed == null ? {} : { seed }),
    ...(stop == null ? {} : { stop: [stop].flat() }),
  };
}

function formatOf({ format }: Common): Partial<Prompt> {
  if (format == null || format === '') return {};
  return { format: format === 'json' ? 'json' : { schema: format } };
}

function messagesOf({ messages }: z.infer<typeof chatRequest>): PromptMessage[] {
  const open = new OpenCalls();
  return messages.map((given, index) => {
    refuseImages(given.images, `messages.${index}.images`);
    const { role } = given;
    const content = given.content ?? '';
    const toolCalls = role === 'assistant' ? callsOf(given.tool_calls, index) : undefined;
    open.add(toolCalls ?? []);
    if (toolCalls !== undefined) return { role, content, toolCalls };
    if (role !== 'tool') return { role, content };
    const answers = open.answered({
      id: given.tool_call_id ?? undefined,
      name: given.tool_name ?? undefined,
    });
    return { role, content, ...(answers === undefined ? {} : { answers }) };
  });
}

/** @throws AppError `unsupported_content` for what would change the request's meaning if it were ignored. */
export function chatPrompt(body: z.infer<typeof chatRequest>): Prompt {
  refuseCommon(body);
  const tools = toolsOf(body.tools);
  return {
    messages: messagesOf(body),
    sampling: samplingOf(body.options),
    ...(tools === undefined ? {} : { tools }),
    ...formatOf(body),
  };
}

/** @throws AppError `unsupported_content` for what would change the request's meaning if it were ignored. */
export function generatePrompt(body: z.infer<typeof generateRequest>): Prompt {
  refuseCommon(body);
  refuseImages(body.images, 'images');
  if ((body.suffix ?? '') !== '')
    throw unsupported('suffix', 'Text is not filled in before a suffix: leave it out.');
  if ((body.template ?? '') !== '' || body.raw === true)
    throw unsupported('template', "The model's own template is always used: leave template and raw out.");
  if ((body.context ?? []).length > 0)
    throw unsupported('context', 'context is not kept: send the conversation to /api/chat.');
  const system = (body.system ?? '') === '' ? [] : [{ role: 'system' as const, content: body.system! }];
  return {
    messages: [...system, { role: 'user', content: body.prompt }],
    sampling: samplingOf(body.options),
    ...formatOf(body),
  };
}
