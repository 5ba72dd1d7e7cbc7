import { type Fields, isCount, isRecord } from '../check.js';
import type { PromptEvent, PromptJob, PromptSampling, PromptUsage } from '../types.js';
import { EngineFailure, type EnginePort } from './port.js';
import { codeOfStreamError, describeText, refuseUnlessOk } from './refusal.js';
import { sseData } from './sse.js';

interface Ending {
  finishReason?: 'stop' | 'length';
  model: string;
  usage?: PromptUsage;
}

/**
 * OpenAI's API as llama.cpp, LM Studio and vLLM speak it: POST /v1/chat/completions, server-sent events. The answer is whole
 * when a finish_reason or `[DONE]` came. `reasoning_content` is not part of the answer.
 */
export async function* openai(job: PromptJob, port: EnginePort): AsyncGenerator<PromptEvent> {
  const response = await port.open('/v1/chat/completions', {
    model: job.model,
    messages: job.messages,
    stream: true,
    stream_options: { include_usage: true },
    ...samplingOf(job.sampling),
  });
  await refuseUnlessOk(response);
  const ending: Ending = { model: job.model };
  let spoken = false;
  try {
    for await (const data of sseData(response.chunks)) {
      if (data === '[DONE]') {
        ending.finishReason ??= 'stop';
        break;
      }
      const text = readChunk(data, ending, spoken);
      if (text === '') continue;
      yield spoken ? { type: 'delta', text } : { type: 'delta', text, model: ending.model };
      spoken = true;
    }
  } catch (error) {
    // Once the reason of the end has come the answer is whole; only usage can be missing.
    if (!(error instanceof EngineFailure) || ending.finishReason === undefined) throw error;
  }
  if (ending.finishReason === undefined) throw new EngineFailure('engine_died');
  yield { type: 'done', ...ending, finishReason: ending.finishReason };
}

function samplingOf(sampling: PromptSampling): Fields {
  return {
    ...(sampling.maxTokens === undefined ? {} : { max_tokens: sampling.maxTokens }),
    ...(sampling.temperature === undefined ? {} : { temperature: sampling.temperature }),
    ...(sampling.topP === undefined ? {} : { top_p: sampling.topP }),
    ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
    ...(sampling.stop === undefined ? {} : { stop: sampling.stop }),
  };
}

/** Takes one chunk into the ending; returns the text that it adds. */
function readChunk(data: string, ending: Ending, spoken: boolean): string {
  const value = objectIn(data);
  if (value.error !== undefined)
    throw new EngineFailure(spoken ? 'engine_died' : codeOfStreamError(value.error), describeText(data));
  if (!Array.isArray(value.choices)) throw new EngineFailure('engine_garbage', describeText(data));
  if (typeof value.model === 'string' && value.model !== '') ending.model = value.model;
  const usage = usageIn(value.usage);
  if (usage !== undefined) ending.usage = usage;
  const choice: unknown = value.choices[0];
  if (!isRecord(choice)) return '';
  if (choice.finish_reason === 'content_filter')
    throw new EngineFailure('engine_rejected', describeText(data));
  if (typeof choice.finish_reason === 'string')
    ending.finishReason = choice.finish_reason === 'length' ? 'length' : 'stop';
  const content = isRecord(choice.delta) ? choice.delta.content : undefined;
  return typeof content === 'string' ? content : '';
}

function objectIn(data: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new EngineFailure('engine_garbage', describeText(data));
  }
  if (!isRecord(value)) throw new EngineFailure('engine_garbage', describeText(data));
  return value;
}

function usageIn(value: unknown): PromptUsage | undefined {
  return isRecord(value) && isCount(value.prompt_tokens) && isCount(value.completion_tokens)
    ? { prompt_tokens: value.prompt_tokens, completion_tokens: value.completion_tokens }
    : undefined;
}
