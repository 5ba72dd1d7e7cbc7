import { z } from 'zod';
import { asAppError, openaiErrorBody } from '../../../runtime/contracts/failure.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../../runtime/contracts/idempotency.js';
import { engineRequestOf } from '../engine-request.js';
import type { Pipeline } from '../pipeline.js';
import type { AnswerEvent } from '../question.js';
import { sseEvent, sseHeaders, sseWaiting, streamResponse } from '../stream.js';
import { unsupported } from '../unsupported.js';
import { wholeAnswer } from '../whole-answer.js';
import { commonFields, refuseSeveral, samplingOf } from './chat-request.js';
import { arkaliaOf, type Head, headOf, receiptHeader, usageOf } from './shapes.js';

/** Body of POST /v1/completions: what we read of it. */
const completionRequest = z.looseObject({
  ...commonFields,
  prompt: z.union([z.string().min(1), z.array(z.unknown()).min(1)]),
  suffix: z.string().nullish(),
  echo: z.boolean().nullish(),
  best_of: z.number().int().nullish(),
  logprobs: z.number().int().nullish(),
});

function textOf({ prompt }: z.infer<typeof completionRequest>): string {
  if (typeof prompt === 'string') return prompt;
  const [only, second] = prompt;
  if (typeof only === 'string' && second === undefined) return only;
  throw unsupported('prompt', 'prompt is one text here: no list of several texts, and no token numbers.');
}

function refuseUnsupported(body: z.infer<typeof completionRequest>): void {
  refuseSeveral(body.n);
  if ((body.best_of ?? 1) !== 1)
    throw unsupported('best_of', 'Only one answer a request is made: leave best_of out.');
  if (body.logprobs != null) throw unsupported('logprobs', 'Log probabilities are not available.');
  if (body.echo === true) throw unsupported('echo', 'The prompt is not repeated: leave echo out.');
  if ((body.suffix ?? '') !== '')
    throw unsupported('suffix', 'Text is not filled in before a suffix: leave it out.');
}

async function* chunkFrames(
  events: AsyncIterable<AnswerEvent>,
  includeUsage: boolean,
): AsyncGenerator<string> {
  let head: Head | undefined;
  let model = '';
  const frame = (fields: object) =>
    sseEvent(JSON.stringify({ ...head, object: 'text_completion', model, ...fields }));
  const choice = (text: string, finishReason: string | null) => ({
    choices: [{ index: 0, text, logprobs: null, finish_reason: finishReason }],
  });
  for await (const event of events) {
    if (event.type === 'of') head = headOf('cmpl', event);
    else if (event.type === 'waiting') yield sseWaiting(event.place);
    else if (event.type === 'begin') model = event.model;
    else if (event.type === 'delta') yield frame(choice(event.text, null));
    else if (event.type === 'done') {
      const { answer } = event;
      model = answer.model;
      yield frame({ ...choice('', answer.finishReason), arkalia: arkaliaOf(answer) });
      const usage = usageOf(answer.usage);
      if (includeUsage && usage !== undefined) yield frame({ choices: [], usage });
      yield sseEvent('[DONE]');
    }
  }
}

/** POST /v1/completions: the prompt is one message of a user, given to the model through its template. */
export function completionRoute(pipeline: Pipeline): RouteDefinition {
  return defineRoute({
    method: 'POST',
    path: '/v1/completions',
    role: 'user',
    scope: 'chat',
    tag: 'openai',
    summary: "OpenAI's older completions: the prompt is asked as one message of a user",
    errors: 'openai',
    body: completionRequest,
    headers: [idempotencyHeader],
    responses: {
      200: {
        description: 'A completion, or its chunks when streamed',
        schema: z.record(z.string(), z.unknown()),
      },
    },
    handler: async (call) => {
      const { body, requestId } = call;
      refuseUnsupported(body);
      const events = pipeline.ask({
        messages: [{ role: 'user', content: textOf(body) }],
        sampling: samplingOf(body),
        ...engineRequestOf(call),
        model: body.model ?? undefined,
        navigatorByDefault: false,
        tellsPlace: body.stream === true,
      });
      if (body.stream !== true) {
        const { text, answer } = await wholeAnswer(events);
        const completion = {
          ...headOf('cmpl', answer),
          object: 'text_completion',
          model: answer.model,
          choices: [{ index: 0, text, logprobs: null, finish_reason: answer.finishReason }],
          usage: usageOf(answer.usage),
          arkalia: arkaliaOf(answer),
        };
        return json(completion, 200, { 'arkalia-receipt': receiptHeader(answer.receipt) });
      }
      const onError = (error: unknown) =>
        sseEvent(JSON.stringify(openaiErrorBody(asAppError(error), requestId)));
      const includeUsage = body.stream_options?.include_usage === true;
      return streamResponse(chunkFrames(events, includeUsage), onError, sseHeaders);
    },
  });
}
