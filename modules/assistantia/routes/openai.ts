import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { asAppError, openaiErrorBody } from '../../../runtime/contracts/failure.js';
import { defineRoute, json, type RouteDefinition, type TextAnswer } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { offeredModels } from '../chain.js';
import { completionRequest, messagesOf, refuseUnsupported, samplingOf } from '../openai-request.js';
import type { Answer, AnswerEvent, Pipeline } from '../pipeline.js';
import { sseEvent, sseHeaders, streamResponse } from '../sse.js';

const looseObject = z.record(z.string(), z.unknown());

/** Value of the header Arkalia-Receipt. */
function receiptHeader(receipt: Answer['receipt']): string {
  return `index=${receipt.index}; leaf=${receipt.leaf_hash}; recorded=${receipt.recorded}`;
}

function usageOf(answer: Answer): Record<string, number> | undefined {
  if (answer.usage === undefined) return undefined;
  const { prompt_tokens, completion_tokens } = answer.usage;
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function arkaliaOf(answer: Answer): Record<string, unknown> {
  const { engine, receipt, reasons } = answer;
  return reasons.length === 0 ? { engine, receipt } : { engine, receipt, reasons };
}

async function wholeAnswer(
  events: AsyncIterable<AnswerEvent>,
  head: { id: string; created: number },
): Promise<TextAnswer> {
  let content = '';
  for await (const event of events) {
    if (event.type === 'delta') content += event.text;
    if (event.type !== 'done') continue;
    const { answer } = event;
    const choice = {
      index: 0,
      message: { role: 'assistant', content, refusal: null },
      logprobs: null,
      finish_reason: answer.finishReason,
    };
    const body = {
      ...head,
      object: 'chat.completion',
      model: answer.model,
      choices: [choice],
      usage: usageOf(answer),
      arkalia: arkaliaOf(answer),
    };
    return json(body, 200, { 'arkalia-receipt': receiptHeader(answer.receipt) });
  }
  throw new AppError('internal', 'The answer ended without an ending.');
}

/**
 * Chunks in OpenAI's order: role, text, finish_reason with our receipt, usage when asked for and known, [DONE]. Each names the model
 * that speaks.
 */
async function* chunkFrames(
  events: AsyncIterable<AnswerEvent>,
  head: { id: string; created: number },
  includeUsage: boolean,
): AsyncGenerator<string> {
  let model = '';
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
    if (event.type === 'delta') {
      yield chunk({ content: event.text }, null);
      continue;
    }
    const { answer } = event;
    model = answer.model;
    yield chunk({}, answer.finishReason, { arkalia: arkaliaOf(answer) });
    const usage = usageOf(answer);
    if (includeUsage && usage !== undefined) {
      yield sseEvent(JSON.stringify({ ...head, object: 'chat.completion.chunk', model, choices: [], usage }));
    }
    yield sseEvent('[DONE]');
  }
}

/** The part of OpenAI's API that clients ask first. */
export function openaiRoutes(context: ModuleContext, pipeline: Pipeline): RouteDefinition[] {
  const startedS = Math.floor(context.clock.wallMs() / 1000);
  const model = (id: string) => ({ id, object: 'model', created: startedS, owned_by: 'arkalia-luna' });
  const offered = async () => {
    const engines = await context.prompts.refreshEngines();
    return offeredModels({ engines, order: context.config.engines.order, aliases: context.config.aliases });
  };
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/models',
      role: 'user',
      tag: 'openai',
      summary:
        'Models that a request may name; arkalia stands for the configured order with the built-in assistant',
      errors: 'openai',
      responses: {
        200: {
          description: 'Models',
          schema: z.object({ object: z.literal('list'), data: z.array(looseObject) }),
        },
      },
      handler: async () => json({ object: 'list', data: (await offered()).map(model) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/models/:id{.+}',
      role: 'user',
      tag: 'openai',
      summary: 'One model',
      errors: 'openai',
      responses: { 200: { description: 'The model', schema: looseObject } },
      handler: async ({ c }) => {
        const id = c.req.param('id') ?? '';
        if (!(await offered()).includes(id)) {
          throw new AppError(
            'model_not_found',
            'No engine offers that model; GET /v1/models lists what there is.',
            {
              details: { param: 'model' },
            },
          );
        }
        return json(model(id));
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/chat/completions',
      role: 'user',
      tag: 'openai',
      summary: "OpenAI's chat completions, streamed or whole; the answer's model is the one that spoke",
      errors: 'openai',
      body: completionRequest,
      responses: { 200: { description: 'A completion, or its chunks when streamed', schema: looseObject } },
      handler: async ({ body, caller, requestId, signal }) => {
        refuseUnsupported(body);
        const messages = messagesOf(body);
        const systemPrompt = messages.find((message) => message.role === 'system')?.content;
        const head = { id: `chatcmpl-${requestId}`, created: Math.floor(context.clock.wallMs() / 1000) };
        const events = pipeline.ask({
          model: body.model ?? undefined,
          navigatorByDefault: false,
          messages,
          sampling: samplingOf(body),
          client: caller.id,
          known: caller.keyId !== null,
          requestId,
          signal: signal(),
          systemPrompt,
        });
        if (body.stream !== true) return wholeAnswer(events, head);
        const onError = (error: unknown) =>
          sseEvent(JSON.stringify(openaiErrorBody(asAppError(error), requestId)));
        return streamResponse(
          chunkFrames(events, head, body.stream_options?.include_usage === true),
          onError,
          sseHeaders,
        );
      },
    }),
  ];
}
