import { type Fields, isCount, isRecord } from '../check.js';
import type { PromptEvent, PromptJob, PromptSampling, PromptUsage } from '../types.js';
import { type Line, lines } from './lines.js';
import { EngineFailure, type EnginePort } from './port.js';
import { codeOfStreamError, describeText, refuseUnlessOk } from './refusal.js';

/**
 * Ollama's own API: POST /api/chat, one JSON object a line; the last has `done: true`. Without it the answer is not whole,
 * however the connection ended.
 */
export async function* ollama(job: PromptJob, port: EnginePort): AsyncGenerator<PromptEvent> {
  const response = await port.open('/api/chat', {
    model: job.model,
    messages: job.messages,
    stream: true,
    options: optionsOf(job.sampling),
  });
  await refuseUnlessOk(response);
  let spoken = false;
  for await (const line of lines(response.chunks)) {
    if (line.text.trim() === '') continue;
    const value = objectIn(line);
    if (value.error !== undefined) {
      const code = spoken ? 'engine_died' : codeOfStreamError(value.error);
      throw new EngineFailure(code, describeText(line.text));
    }
    const text = isRecord(value.message) ? value.message.content : undefined;
    if (typeof text === 'string' && text !== '') {
      const model = !spoken && typeof value.model === 'string' ? { model: value.model } : {};
      spoken = true;
      yield { type: 'delta', text, ...model };
    }
    if (value.done === true) {
      yield doneOf(value, job.model);
      return;
    }
    if (value.done !== false) throw new EngineFailure('engine_garbage', describeText(line.text));
  }
  throw new EngineFailure('engine_died');
}

function optionsOf(sampling: PromptSampling): Fields {
  return {
    ...(sampling.maxTokens === undefined ? {} : { num_predict: sampling.maxTokens }),
    ...(sampling.temperature === undefined ? {} : { temperature: sampling.temperature }),
    ...(sampling.topP === undefined ? {} : { top_p: sampling.topP }),
    ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
    ...(sampling.stop === undefined ? {} : { stop: sampling.stop }),
  };
}

function objectIn(line: Line): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch {
    throw new EngineFailure(line.ended ? 'engine_garbage' : 'engine_died', describeText(line.text));
  }
  if (!isRecord(value)) throw new EngineFailure('engine_garbage', describeText(line.text));
  return value;
}

function doneOf(value: Fields, asked: string): PromptEvent {
  const usage: PromptUsage | undefined =
    isCount(value.prompt_eval_count) && isCount(value.eval_count)
      ? { prompt_tokens: value.prompt_eval_count, completion_tokens: value.eval_count }
      : undefined;
  return {
    type: 'done',
    finishReason: value.done_reason === 'length' ? 'length' : 'stop',
    model: typeof value.model === 'string' && value.model !== '' ? value.model : asked,
    ...(usage === undefined ? {} : { usage }),
  };
}
