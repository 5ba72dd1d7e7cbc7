import { asAppError, ollamaErrorBody } from '../../../runtime/contracts/failure.js';
import { type Answer as HttpAnswer, json } from '../../../runtime/contracts/http.js';
import type { IdempotentRequest } from '../../../runtime/contracts/idempotency.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { Prompt, ToolCall } from '../../../runtime/contracts/sandbox.js';
import { arkaliaOf, receiptHeader } from '../openai/shapes.js';
import type { Pipeline } from '../pipeline.js';
import type { Answer } from '../question.js';
import { ndjsonHeaders, streamResponse } from '../stream.js';
import { wholeAnswer } from '../whole-answer.js';

/** How /api/chat and /api/generate say a piece of text, and tool calls. */
export type Say = (text: string, calls?: ToolCall[]) => object;

export interface Asked {
  prompt: Prompt;
  idempotency?: IdempotentRequest;
  model: string;
  stream: boolean;
  client: string;
  /** Path of the route that it came through. */
  route: string;
  requestId: string;
  signal: AbortSignal;
}

const nanoseconds = (ms: number): number => Math.round(ms * 1e6);

/** Counts and times of the last line; the engine's own time to load is not known. */
function figuresOf({ usage, tookMs, firstMs }: Answer): object {
  return {
    total_duration: nanoseconds(tookMs),
    ...(usage === undefined
      ? {}
      : {
          prompt_eval_count: usage.prompt_tokens,
          prompt_eval_duration: nanoseconds(firstMs ?? tookMs),
          eval_count: usage.completion_tokens,
          eval_duration: nanoseconds(tookMs - (firstMs ?? tookMs)),
        }),
  };
}

function ending(answer: Answer): object {
  const { finishReason } = answer;
  return {
    done: true,
    done_reason: finishReason === 'tool_calls' ? 'stop' : finishReason,
    ...figuresOf(answer),
    arkalia: arkaliaOf(answer),
  };
}

/** Asks, and answers in Ollama's form: whole, or one JSON object a line of which the last has `done: true`. */
export async function answerAsOllama(
  { context, pipeline }: { context: ModuleContext; pipeline: Pipeline },
  { prompt, stream, ...asked }: Asked,
  say: Say,
): Promise<HttpAnswer> {
  const events = pipeline.ask({
    ...prompt,
    ...asked,
    navigatorByDefault: false,
    systemPrompt: prompt.messages.find((message) => message.role === 'system')?.content,
  });
  const head = (spoke: string) => ({
    model: spoke,
    created_at: new Date(context.clock.wallMs()).toISOString(),
  });
  if (!stream) {
    const { text, calls, answer } = await wholeAnswer(events);
    const body = { ...head(answer.model), ...say(text, calls), ...ending(answer) };
    return json(body, 200, { 'arkalia-receipt': receiptHeader(answer.receipt) });
  }
  async function* lines(): AsyncGenerator<string> {
    let spoke = asked.model;
    const line = (fields: object) => `${JSON.stringify({ ...head(spoke), ...fields })}\n`;
    for await (const event of events) {
      if (event.type === 'begin') spoke = event.model;
      else if (event.type === 'delta') yield line({ ...say(event.text), done: false });
      else if (event.type === 'tool_call') yield line({ ...say('', [event.call]), done: false });
      else if (event.type === 'done') {
        spoke = event.answer.model;
        yield line({ ...say(''), ...ending(event.answer) });
      }
    }
  }
  const onError = (error: unknown) =>
    `${JSON.stringify(ollamaErrorBody(asAppError(error), asked.requestId))}\n`;
  return streamResponse(lines(), onError, ndjsonHeaders);
}
