import { z } from 'zod';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../../runtime/contracts/idempotency.js';
import { embedInputsMax } from '../../../runtime/contracts/sandbox.js';
import { engineRequestOf } from '../engine-request.js';
import type { Pipeline } from '../pipeline.js';
import { unsupported } from '../unsupported.js';
import { receiptHeader } from './shapes.js';

/** Body of POST /v1/embeddings. */
const embeddingRequest = z.looseObject({
  model: z.string().max(200),
  input: z.union([z.string().min(1), z.array(z.unknown()).min(1).max(embedInputsMax)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.number().int().nullish(),
});

function textsOf({ input }: z.infer<typeof embeddingRequest>): string[] {
  const texts = [input].flat();
  if (texts.every((text): text is string => typeof text === 'string' && text !== '')) return texts;
  throw unsupported(
    'input',
    'input is a text or a list of texts here, none of them empty: no token numbers.',
  );
}

/** The vector as little-endian float32 in base64, which the clients ask for. */
function base64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, figure] of vector.entries()) bytes.writeFloatLE(figure, i * 4);
  return bytes.toString('base64');
}

/** POST /v1/embeddings. */
export function embeddingRoute(pipeline: Pipeline): RouteDefinition {
  return defineRoute({
    method: 'POST',
    path: '/v1/embeddings',
    role: 'user',
    scope: 'embeddings',
    tag: 'openai',
    summary: 'Vectors of texts, from an engine that has them',
    errors: 'openai',
    body: embeddingRequest,
    headers: [idempotencyHeader],
    responses: { 200: { description: 'The vectors', schema: z.record(z.string(), z.unknown()) } },
    handler: async (call) => {
      const { body } = call;
      if (body.dimensions != null)
        throw unsupported('dimensions', 'Vectors have the length that the model gives them: leave it out.');
      const { model, vectors, usage, engine, receipt, replayed } = await pipeline.embed({
        texts: textsOf(body),
        ...engineRequestOf(call),
        model: body.model,
        navigatorByDefault: false,
      });
      const asBase64 = body.encoding_format === 'base64';
      const data = vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: asBase64 ? base64(vector) : vector,
      }));
      const read = usage?.prompt_tokens;
      const counted = read === undefined ? {} : { usage: { prompt_tokens: read, total_tokens: read } };
      const answer = { object: 'list', model, data, ...counted, arkalia: { engine, receipt, replayed } };
      return json(answer, 200, { 'arkalia-receipt': receiptHeader(receipt) });
    },
  });
}
