import { type Fields, isCount, isRecord } from '../check.js';
import type {
  ChatJob,
  EmbedJob,
  PromptEvent,
  PromptMessage,
  PromptSampling,
  PromptUsage,
  ToolCall,
} from '../types.js';
import { type Line, lines } from './lines.js';
import { type Adapter, EngineFailure, type EnginePort } from './port.js';
import { codeOfStreamError, describeText, refuseUnlessOk } from './refusal.js';
import { readCall, toolsBody } from './tool-calls.js';
import { vectorsIn, wholeBody } from './whole-body.js';

export const ollama: Adapter = { chat, embed };

/**
 * Ollama's own API: POST /api/chat, one JSON object a line; the last has `done: true`. Without it the answer is not whole,
 * however the connection ended.
 */
async function* chat(job: ChatJob, port: EnginePort): AsyncGenerator<PromptEvent> {
  // Its API has no word for it.
  if (job.toolChoice !== undefined) throw new EngineFailure('unsupported');
  const response = await port.open('/api/chat', {
    model: job.model,
    messages: job.messages.map(messageBody),
    stream: true,
    ...(job.tools === undefined ? {} : { tools: toolsBody(job.tools) }),
    ...(job.format === undefined ? {} : { format: job.format === 'json' ? 'json' : job.format.schema }),
    options: optionsOf(job.sampling),
  });
  await refuseUnlessOk(response);
  let spoken = false;
  let calls = 0;
  for await (const line of lines(response.chunks)) {
    if (line.text.trim() === '') continue;
    const value = objectIn(line);
    if (value.error !== undefined) {
      const code = spoken ? 'engine_died' : codeOfStreamError(value.error);
      throw new EngineFailure(code, describeText(line.text));
    }
    const message = isRecord(value.message) ? value.message : {};
    const model = !spoken && typeof value.model === 'string' ? { model: value.model } : {};
    if (typeof message.content === 'string' && message.content !== '') {
      spoken = true;
      yield { type: 'delta', text: message.content, ...model };
    }
    for (const call of callsIn(message.tool_calls, line)) {
      spoken = true;
      calls += 1;
      yield { type: 'tool_call', call, ...model };
    }
    if (value.done === true) {
      yield doneOf(value, job.model, calls > 0);
      return;
    }
    if (value.done !== false) throw new EngineFailure('engine_garbage', describeText(line.text));
  }
  throw new EngineFailure('engine_died');
}

/** POST /api/embed: the vectors of all texts in one answer. A text that is too long is refused, never cut. */
async function* embed(job: EmbedJob, port: EnginePort): AsyncGenerator<PromptEvent> {
  const response = await port.open('/api/embed', { model: job.model, input: job.embed, truncate: false });
  await refuseUnlessOk(response);
  const body = await wholeBody(response);
  for (const vector of vectorsIn(body.embeddings, job.embed.length)) yield { type: 'vector', vector };
  const read = body.prompt_eval_count;
  yield {
    type: 'done',
    finishReason: 'stop',
    model: modelOf(body, job.model),
    ...(isCount(read) ? { usage: { prompt_tokens: read, completion_tokens: 0 } } : {}),
  };
}

function messageBody({ role, content, toolCalls, answers }: PromptMessage): Fields {
  const calls = toolCalls?.map(({ name, arguments: args }) => ({
    function: { name, arguments: JSON.parse(args) as unknown },
  }));
  return {
    role,
    content,
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(answers?.name === undefined ? {} : { tool_name: answers.name }),
  };
}

function callsIn(list: unknown, line: Line): ToolCall[] {
  if (!Array.isArray(list)) return [];
  return list.map((item) => {
    const said = isRecord(item) && isRecord(item.function) ? item.function : {};
    const id = isRecord(item) ? item.id : undefined;
    const call = readCall({ id, name: said.name, arguments: said.arguments });
    if (call === null) throw new EngineFailure('engine_garbage', describeText(line.text));
    return call;
  });
}

function optionsOf(sampling: PromptSampling): Fields {
  return {
    ...(sampling.maxTokens === undefined ? {} : { num_predict: sampling.maxTokens }),
    ...(sampling.temperature === undefined ? {} : { temperature: sampling.temperature }),
    ...(sampling.topP === undefined ? {} : { top_p: sampling.topP }),
    ...(sampling.topK === undefined ? {} : { top_k: sampling.topK }),
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

function modelOf({ model }: Fields, asked: string): string {
  return typeof model === 'string' && model !== '' ? model : asked;
}

function doneOf(value: Fields, asked: string, called: boolean): PromptEvent {
  const usage: PromptUsage | undefined =
    isCount(value.prompt_eval_count) && isCount(value.eval_count)
      ? { prompt_tokens: value.prompt_eval_count, completion_tokens: value.eval_count }
      : undefined;
  return {
    type: 'done',
    finishReason: value.done_reason === 'length' ? 'length' : called ? 'tool_calls' : 'stop',
    model: modelOf(value, asked),
    ...(usage === undefined ? {} : { usage }),
  };
}
