import { z } from 'zod';
import { asAppError, openaiErrorBody } from '../../../runtime/contracts/failure.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../../runtime/contracts/idempotency.js';
import type { ToolCall } from '../../../runtime/contracts/sandbox.js';
import { engineRequestOf } from '../engine-request.js';
import { partsOfMarked } from '../guard/parts.js';
import type { Pipeline } from '../pipeline.js';
import type { AnswerEvent } from '../question.js';
import { sseEvent, sseHeaders, sseWaiting, streamResponse } from '../stream.js';
import { type WholeAnswer, wholeAnswer } from '../whole-answer.js';
import { chatRequest, promptOf } from './chat-request.js';
import { arkaliaOf, type Head, headOf, receiptHeader, usageOf } from './shapes.js';

function callBody({ id, name, arguments: args }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: args } };
}

function completion({ text, calls, answer }: WholeAnswer): object {
  const message = {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(callBody) }),
  };
  return {
    ...headOf('chatcmpl', answer),
    object: 'chat.completion',
    model: answer.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: answer.finishReason }],
    usage: usageOf(answer.usage),
    arkalia: arkaliaOf(answer),
  };
}

/**
 * Chunks in OpenAI's order: role, text and tool calls, finish_reason with our receipt, usage when asked for and known, [DONE]. Each
 * names the model that speaks.
 */
async function* chunkFrames(
  events: AsyncIterable<AnswerEvent>,
  includeUsage: boolean,
): AsyncGenerator<string> {
  let head: Head | undefined;
  let model = '';
  let calls = 0;
  const chunk = (delta: object, finishReason: string | null, extra: object = {}) =>
    sseEvent(
      JSON.stringify({
        ...head,
        object: 'chat.completion.chunk',
        model,
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
        ...extra,
      }),
    );
  let begun = false;
  for await (const event of events) {
    if (event.type === 'of') {
      head = headOf('chatcmpl', event);
      continue;
    }
    if (event.type === 'waiting') {
      yield sseWaiting(event.place);
      continue;
    }
    if (event.type === 'begin') {
      model = event.model;
      continue;
    }
    // In one write with what follows it.
    const role = begun ? '' : chunk({ role: 'assistant', content: '' }, null);
    begun = true;
    if (event.type === 'delta') yield role + chunk({ content: event.text }, null);
    else if (event.type === 'tool_call') {
      yield role + chunk({ tool_calls: [{ index: calls, ...callBody(event.call) }] }, null);
      calls += 1;
    } else if (event.type === 'done') {
      const { answer } = event;
      model = answer.model;
      yield role + chunk({}, answer.finishReason, { arkalia: arkaliaOf(answer) });
      const usage = usageOf(answer.usage);
      if (includeUsage && usage !== undefined) {
        yield sseEvent(
          JSON.stringify({ ...head, object: 'chat.completion.chunk', model, choices: [], usage }),
        );
      }
      yield sseEvent('[DONE]');
    }
  }
}

/** POST /v1/chat/completions. */
export function chatCompletionRoute(pipeline: Pipeline): RouteDefinition {
  return defineRoute({
    method: 'POST',
    path: '/v1/chat/completions',
    role: 'user',
    scope: 'chat',
    tag: 'openai',
    summary: "OpenAI's chat completions, streamed or whole; the answer's model is the one that spoke",
    errors: 'openai',
    body: chatRequest,
    headers: [idempotencyHeader],
    responses: {
      200: {
        description: 'A completion, or its chunks when streamed',
        schema: z.record(z.string(), z.unknown()),
      },
    },
    handler: async (call) => {
      const { body, requestId } = call;
      const prompt = promptOf(body);
      const events = pipeline.ask({
        ...prompt,
        ...engineRequestOf(call),
        model: body.model ?? undefined,
        navigatorByDefault: false,
        parts: partsOfMarked(body.messages),
        tellsPlace: body.stream === true,
        systemPrompt: prompt.messages.find((message) => message.role === 'system')?.content,
      });
      if (body.stream !== true) {
        const whole = await wholeAnswer(events);
        return json(completion(whole), 200, { 'arkalia-receipt': receiptHeader(whole.answer.receipt) });
      }
      const onError = (error: unknown) =>
        sseEvent(JSON.stringify(openaiErrorBody(asAppError(error), requestId)));
      const includeUsage = body.stream_options?.include_usage === true;
      return streamResponse(chunkFrames(events, includeUsage), onError, sseHeaders);
    },
  });
}
