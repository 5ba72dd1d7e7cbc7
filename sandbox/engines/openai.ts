import { type Fields, isCount, isRecord } from '../check.js';
import type {
  ChatJob,
  EmbedJob,
  FinishReason,
  Prompt,
  PromptEvent,
  PromptMessage,
  PromptSampling,
  PromptUsage,
  ToolCall,
} from '../types.js';
import { type Adapter, EngineFailure, type EnginePort } from './port.js';
import { codeOfStreamError, describeText, refuseUnlessOk } from './refusal.js';
import { sseData } from './sse.js';
import { readCall, toolsBody } from './tool-calls.js';
import { vectorsIn, wholeBody } from './whole-body.js';

export const openai: Adapter = { chat, embed };

/** Most tools that one answer may call. */
const callsMax = 128;

/** A tool call of which parts have come. */
interface CallParts {
  id: unknown;
  name: unknown;
  arguments: string;
}

interface Ending {
  finishReason?: FinishReason;
  model: string;
  usage?: PromptUsage;
}

/**
 * OpenAI's API as llama.cpp, LM Studio and vLLM speak it: POST /v1/chat/completions, server-sent events. The answer is whole
 * when a finish_reason or `[DONE]` came. `reasoning_content` is not part of the answer.
 */
async function* chat(job: ChatJob, port: EnginePort): AsyncGenerator<PromptEvent> {
  const response = await port.open('/v1/chat/completions', {
    model: job.model,
    messages: job.messages.map(messageBody),
    stream: true,
    stream_options: { include_usage: true },
    ...samplingOf(job.sampling),
    ...toolsOf(job),
    ...formatOf(job.format),
  });
  await refuseUnlessOk(response);
  const ending: Ending = { model: job.model };
  const parts = new Map<number, CallParts>();
  let spoken = false;
  try {
    for await (const data of sseData(response.chunks)) {
      if (data === '[DONE]') {
        ending.finishReason ??= 'stop';
        break;
      }
      const text = readChunk(data, ending, parts, spoken);
      if (text === '') continue;
      yield spoken ? { type: 'delta', text } : { type: 'delta', text, model: ending.model };
      spoken = true;
    }
  } catch (error) {
    // Once the reason of the end has come the answer is whole; only usage can be missing.
    if (!(error instanceof EngineFailure) || ending.finishReason === undefined) throw error;
  }
  if (ending.finishReason === undefined) throw new EngineFailure('engine_died');
  const calls = callsOf(parts, ending.finishReason);
  for (const call of calls) {
    yield spoken ? { type: 'tool_call', call } : { type: 'tool_call', call, model: ending.model };
    spoken = true;
  }
  const finishReason =
    calls.length > 0 && ending.finishReason === 'stop' ? 'tool_calls' : ending.finishReason;
  yield { type: 'done', ...ending, finishReason };
}

/** POST /v1/embeddings: the vectors of all texts in one answer, which may list them in any order. */
async function* embed(job: EmbedJob, port: EnginePort): AsyncGenerator<PromptEvent> {
  const response = await port.open('/v1/embeddings', {
    model: job.model,
    input: job.embed,
    encoding_format: 'float',
  });
  await refuseUnlessOk(response);
  const body = await wholeBody(response);
  const data = Array.isArray(body.data) ? body.data.filter(isRecord) : [];
  const ordered = job.embed.map((_, i) => data.find(({ index }) => index === i)?.embedding);
  for (const vector of vectorsIn(ordered, job.embed.length)) yield { type: 'vector', vector };
  const read = isRecord(body.usage) ? body.usage.prompt_tokens : undefined;
  yield {
    type: 'done',
    finishReason: 'stop',
    model: typeof body.model === 'string' && body.model !== '' ? body.model : job.model,
    ...(isCount(read) ? { usage: { prompt_tokens: read, completion_tokens: 0 } } : {}),
  };
}

function messageBody({ role, content, toolCalls, answers }: PromptMessage): Fields {
  const calls = toolCalls?.map(({ id, name, arguments: args }) => ({
    id,
    type: 'function',
    function: { name, arguments: args },
  }));
  return {
    role,
    content,
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(answers?.id === undefined ? {} : { tool_call_id: answers.id }),
  };
}

function toolsOf({ tools, toolChoice }: Prompt): Fields {
  if (tools === undefined) return {};
  if (toolChoice === undefined) return { tools: toolsBody(tools) };
  const choice =
    toolChoice === 'required' ? 'required' : { type: 'function', function: { name: toolChoice.name } };
  return { tools: toolsBody(tools), tool_choice: choice };
}

function formatOf(format: Prompt['format']): Fields {
  if (format === undefined) return {};
  if (format === 'json') return { response_format: { type: 'json_object' } };
  const json_schema = { name: 'answer', schema: format.schema, strict: true };
  return { response_format: { type: 'json_schema', json_schema } };
}

/** The calls, once all their parts have come; one that the length limit cut is left out, as the finish reason tells. */
function callsOf(parts: ReadonlyMap<number, CallParts>, finishReason: FinishReason): ToolCall[] {
  return [...parts.values()].flatMap((given) => {
    const call = readCall(given);
    if (call !== null) return [call];
    if (finishReason === 'length') return [];
    throw new EngineFailure('engine_garbage', describeText(given.arguments));
  });
}

/** Takes the parts of tool calls in one delta. */
function takeCalls(list: unknown, parts: Map<number, CallParts>): void {
  if (!Array.isArray(list)) return;
  for (const item of list) {
    if (!isRecord(item)) continue;
    const number = isCount(item.index) ? item.index : parts.size;
    const part = parts.get(number) ?? { id: undefined, name: undefined, arguments: '' };
    if (!parts.has(number) && parts.size >= callsMax) throw new EngineFailure('output_limit');
    const said = isRecord(item.function) ? item.function : {};
    parts.set(number, {
      id: part.id ?? item.id,
      name: part.name ?? said.name,
      arguments: part.arguments + (typeof said.arguments === 'string' ? said.arguments : ''),
    });
  }
}

function samplingOf(sampling: PromptSampling): Fields {
  return {
    ...(sampling.maxTokens === undefined ? {} : { max_tokens: sampling.maxTokens }),
    ...(sampling.temperature === undefined ? {} : { temperature: sampling.temperature }),
    ...(sampling.topP === undefined ? {} : { top_p: sampling.topP }),
    ...(sampling.topK === undefined ? {} : { top_k: sampling.topK }),
    ...(sampling.seed === undefined ? {} : { seed: sampling.seed }),
    ...(sampling.stop === undefined ? {} : { stop: sampling.stop }),
  };
}

/** Takes one chunk into the ending; returns the text that it adds. */
function readChunk(data: string, ending: Ending, parts: Map<number, CallParts>, spoken: boolean): string {
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
  const delta = isRecord(choice.delta) ? choice.delta : {};
  takeCalls(delta.tool_calls, parts);
  const { content } = delta;
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
