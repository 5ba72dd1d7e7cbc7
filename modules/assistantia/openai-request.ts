import { z } from 'zod';
import { AppError } from '../../runtime/contracts/errors.js';
import type { PromptMessage, PromptSampling } from '../../runtime/contracts/sandbox.js';

const MESSAGES_MAX = 1000;

const part = z.looseObject({ type: z.string() });
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(part)]).nullish(),
});

/** Body of POST /v1/chat/completions: what we read of it; fields that we do not know are ignored, as clients need. */
export const completionRequest = z.looseObject({
  model: z.string().max(200).nullish(),
  messages: z.array(message).min(1).max(MESSAGES_MAX),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.number().int().min(1).max(1_000_000).nullish(),
  max_completion_tokens: z.number().int().min(1).max(1_000_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.number().int().min(-2_147_483_648).max(4_294_967_295).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  n: z.number().int().nullish(),
  logprobs: z.boolean().nullish(),
  tools: z.array(z.unknown()).nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
});

export type CompletionRequest = z.infer<typeof completionRequest>;

function unsupported(param: string, message: string): AppError {
  return new AppError('unsupported_content', message, { details: { param } });
}

/** @throws AppError `unsupported_content` for what would change the meaning of the request if it were ignored. */
export function refuseUnsupported(body: CompletionRequest): void {
  if ((body.n ?? 1) !== 1)
    throw unsupported('n', 'Only one answer a request is made: leave n out or set it to 1.');
  if (body.logprobs === true) throw unsupported('logprobs', 'Log probabilities are not available.');
  if ((body.tools ?? []).length > 0)
    throw unsupported('tools', 'Tools are not available in this version; leave tools out.');
  if ((body.response_format?.type ?? 'text') !== 'text') {
    throw unsupported('response_format', 'Only response_format "text" is available in this version.');
  }
}

function textOf(content: z.infer<typeof message>['content'], index: number): string {
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

/** The conversation in our own form. @throws AppError `unsupported_content` for parts that are not text. */
export function messagesOf(body: CompletionRequest): PromptMessage[] {
  return body.messages.map(({ role, content }, index) => ({
    role: roleOf[role],
    content: textOf(content, index),
  }));
}

export function samplingOf(body: CompletionRequest): PromptSampling {
  const sampling: PromptSampling = {};
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  if (maxTokens != null) sampling.maxTokens = maxTokens;
  if (body.temperature != null) sampling.temperature = body.temperature;
  if (body.top_p != null) sampling.topP = body.top_p;
  if (body.seed != null) sampling.seed = body.seed;
  if (body.stop != null) sampling.stop = [body.stop].flat();
  return sampling;
}
