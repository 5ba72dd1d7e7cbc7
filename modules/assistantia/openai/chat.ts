import { z } from 'zod';
import { asAppError, openaiErrorBody } from '../../../runtime/contracts/failure.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { ToolCall } from '../../../runtime/contracts/sandbox.js';
import { partsOfMarked } from '../guard/parts.js';
import type { Pipeline } from '../pipeline.js';
import type { AnswerEvent } from '../question.js';
import { sseEvent, sseHeaders, streamResponse } from '../stream.js';
import { type WholeAnswer, wholeAnswer } from '../whole-answer.js';
import { chatRequest, promptOf } from './chat-request.js';
import { arkaliaOf, type Head, receiptHeader, usageOf } from './shapes.js';

function callBody({ id, name, arguments: args }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: args } };
}

function completion({ text, calls, answer }: WholeAnswer, head: Head): object {
  const message = {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(callBody) }),
  };
  return {
    ...head,
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
  head: Head,
  includeUsage: boolean,
): AsyncGenerator<string> {
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
    if (event.type === 'begin') {
      model = event.model;
      continue;
    }
    if (!begun) {
      begun = true;
      yield chunk({ role: 'assistant', content: '' }, null);
    }
    if (event.type === 'delta') yield chunk({ content: event.text }, null);
    else if (event.type === 'tool_call') {
      yield chunk({ tool_calls: [{ index: calls, ...callBody(event.call) }] }, null);
      calls += 1;
    } else {
      const { answer } = event;
      model = answer.model;
      yield chunk({}, answer.finishReason, { arkalia: arkaliaOf(answer) });
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
export function chatCompletionRoute(context: ModuleContext, pipeline: Pipeline): RouteDefinition {
  return defineRoute({
    method: 'POST',
    path: '/v1/chat/completions',
    role: 'user',
    tag: 'openai',
    summary: "OpenAI's chat completions, streamed or whole; the answer's model is the one that spoke",
    errors: 'openai',
    body: chatRequest,
    responses: {
      200: {
        description: 'A completion, or its chunks when streamed',
        schema: z.record(z.string(), z.unknown()),
      },
    },
    handler: async ({ body, caller, requestId, signal }) => {
      const prompt = promptOf(body);
      const head = { id: `chatcmpl-${requestId}`, created: Math.floor(context.clock.wallMs() / 1000) };
      const events = pipeline.ask({
        ...prompt,
        model: body.model ?? undefined,
        navigatorByDefault: false,
        route: '/v1/chat/completions',
        parts: partsOfMarked(body.messages),
        client: caller.id,
        requestId,
        signal: signal(),
        systemPrompt: prompt.messages.find((message) => message.role === 'system')?.content,
      });
      if (body.stream !== true) {
        const whole = await wholeAnswer(events);
        return json(completion(whole, head), 200, { 'arkalia-receipt': receiptHeader(whole.answer.receipt) });
      }
      const onError = (error: unknown) =>
        sseEvent(JSON.stringify(openaiErrorBody(asAppError(error), requestId)));
      const includeUsage = body.stream_options?.include_usage === true;
      return streamResponse(chunkFrames(events, head, includeUsage), onError, sseHeaders);
    },
  });
}
