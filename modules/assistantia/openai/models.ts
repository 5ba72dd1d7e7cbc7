import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { freshModels } from '../offers.js';

/** GET /v1/models and one of them. */
export function modelRoutes(context: ModuleContext): RouteDefinition[] {
  const looseObject = z.record(z.string(), z.unknown());
  const startedS = Math.floor(context.clock.wallMs() / 1000);
  const model = (id: string) => ({ id, object: 'model', created: startedS, owned_by: 'arkalia-luna' });
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/models',
      role: 'user',
      scope: 'any',
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
      handler: async () => json({ object: 'list', data: (await freshModels(context)).map(model) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/models/:id{.+}',
      role: 'user',
      scope: 'any',
      tag: 'openai',
      summary: 'One model',
      errors: 'openai',
      responses: { 200: { description: 'The model', schema: looseObject } },
      handler: async ({ c }) => {
        const id = c.req.param('id') ?? '';
        if ((await freshModels(context)).includes(id)) return json(model(id));
        const message = 'No engine offers that model; GET /v1/models lists what there is.';
        throw new AppError('model_not_found', message, { details: { param: 'model' } });
      },
    }),
  ];
}
