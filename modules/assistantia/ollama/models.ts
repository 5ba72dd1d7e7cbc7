import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { resolveChain } from '../chain.js';
import { freshModels, freshSources } from '../offers.js';
import { modelName } from './requests.js';

/** Version of Ollama's API that is spoken here; clients ask it before they use what is newer. */
const apiVersion = '0.12.0';

/** What Ollama says of a file, which only the engine behind knows. */
const details = {
  parent_model: '',
  format: '',
  family: '',
  families: [],
  parameter_size: '',
  quantization_level: '',
};

/** Names the entry, not a file: clients show the beginning of it and compare. */
function digestOf(model: string): string {
  return createHash('sha256').update(`arkalia-luna/${model}`).digest('hex');
}

const showRequest = z.looseObject({ model: modelName.optional(), name: modelName.optional() });

/** GET /api/tags, /api/ps, /api/version and POST /api/show. */
export function modelRoutes(context: ModuleContext): RouteDefinition[] {
  const looseObject = z.record(z.string(), z.unknown());
  const started = new Date(context.clock.wallMs()).toISOString();
  const entry = (name: string) => ({ name, model: name, size: 0, digest: digestOf(name), details });
  const common = { role: 'user', scope: 'any', tag: 'ollama', errors: 'ollama' } as const;
  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/api/tags',
      summary:
        'Models that a request may name; sizes and details are those of the engine behind, and empty here',
      responses: { 200: { description: 'Models', schema: z.object({ models: z.array(looseObject) }) } },
      handler: async () => {
        const models = await freshModels(context);
        return json({ models: models.map((name) => ({ ...entry(name), modified_at: started })) });
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/api/ps',
      summary: 'The embedded model while it is in memory; what model servers have loaded is not known here',
      responses: { 200: { description: 'Models', schema: z.object({ models: z.array(looseObject) }) } },
      handler: () => {
        const loaded = context.prompts.engines().filter((engine) => engine.loaded === true);
        return json({ models: loaded.flatMap(({ models }) => models).map(entry) });
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/api/version',
      role: 'none',
      summary: "Version of Ollama's API that is spoken here, and our own",
      responses: { 200: { description: 'Versions', schema: looseObject } },
      handler: () => json({ version: apiVersion, arkalia: context.version }),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/api/show',
      summary: 'What a request to a model may ask for: tools and vectors as far as the model itself has them',
      body: showRequest,
      responses: { 200: { description: 'The model', schema: looseObject } },
      handler: async ({ body }) => {
        const model = body.model ?? body.name;
        if (model === undefined) {
          throw new AppError('invalid_request', 'The body does not fit: model: name one.', {
            details: { param: 'model' },
          });
        }
        const chain = resolveChain({ model, navigatorByDefault: false }, await freshSources(context));
        const runsModel = chain.some(({ engine }) => engine !== 'navigator');
        return json({
          modelfile: '',
          parameters: '',
          template: '',
          details,
          model_info: {},
          capabilities: runsModel ? ['completion', 'tools', 'embedding'] : ['completion'],
          arkalia: { chain },
        });
      },
    }),
  ];
}
