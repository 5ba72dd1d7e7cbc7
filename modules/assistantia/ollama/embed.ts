import { z } from 'zod';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../../runtime/contracts/idempotency.js';
import { embedInputsMax } from '../../../runtime/contracts/sandbox.js';
import { engineRequestOf } from '../engine-request.js';
import { receiptHeader } from '../openai/shapes.js';
import type { Pipeline } from '../pipeline.js';
import { unsupported } from '../unsupported.js';
import { modelName } from './requests.js';

const embedRequest = z.looseObject({
  model: modelName,
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(embedInputsMax)]),
  dimensions: z.number().int().nullish(),
});

const oldRequest = z.looseObject({ model: modelName, prompt: z.string().min(1) });

/** POST /api/embed, and /api/embeddings as older clients ask for one vector. */
export function embedRoutes(pipeline: Pipeline): RouteDefinition[] {
  const common = {
    method: 'POST',
    role: 'user',
    scope: 'embeddings',
    tag: 'ollama',
    errors: 'ollama',
    headers: [idempotencyHeader],
    responses: { 200: { description: 'The vectors', schema: z.record(z.string(), z.unknown()) } },
  } as const;
  return [
    defineRoute({
      ...common,
      path: '/api/embed',
      summary:
        'Vectors of texts, from an engine that has them; a text that is too long is refused, never cut',
      body: embedRequest,
      handler: async (call) => {
        const { body } = call;
        if (body.dimensions != null)
          throw unsupported('dimensions', 'Vectors have the length that the model gives them: leave it out.');
        const { engine, model, vectors, usage, tookMs, receipt, replayed } = await pipeline.embed({
          texts: [body.input].flat(),
          ...engineRequestOf(call),
          model: body.model,
          navigatorByDefault: false,
        });
        const answer = {
          model,
          embeddings: vectors,
          total_duration: Math.round(tookMs * 1e6),
          ...(usage === undefined ? {} : { prompt_eval_count: usage.prompt_tokens }),
          arkalia: { engine, receipt, replayed },
        };
        return json(answer, 200, { 'arkalia-receipt': receiptHeader(receipt) });
      },
    }),
    defineRoute({
      ...common,
      path: '/api/embeddings',
      summary: 'The vector of one text, as older clients ask for it',
      body: oldRequest,
      handler: async (call) => {
        const { body } = call;
        const { engine, vectors, receipt, replayed } = await pipeline.embed({
          texts: [body.prompt],
          ...engineRequestOf(call),
          model: body.model,
          navigatorByDefault: false,
        });
        const answer = { embedding: vectors[0], arkalia: { engine, receipt, replayed } };
        return json(answer, 200, { 'arkalia-receipt': receiptHeader(receipt) });
      },
    }),
  ];
}
