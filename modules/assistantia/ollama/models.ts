import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModelEntry } from '../../../runtime/contracts/models.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { resolveChain } from '../chain.js';
import { freshModels, freshSources } from '../offers.js';
import { detailsOf, infoOf, ownModels } from './model-facts.js';
import { modelName } from './requests.js';

/** Version of Ollama's API that is spoken here; clients ask it before they use what is newer. */
const apiVersion = '0.12.0';

/** For a model of which no hash is known: names the entry, not a file; clients show the beginning of it and compare. */
function digestOf(model: string): string {
  return createHash('sha256').update(`arkalia-luna/${model}`).digest('hex');
}

const showRequest = z.looseObject({ model: modelName.optional(), name: modelName.optional() });

/** GET /api/tags, /api/ps, /api/version and POST /api/show. */
export function modelRoutes(context: ModuleContext): RouteDefinition[] {
  const looseObject = z.record(z.string(), z.unknown());
  const started = new Date(context.clock.wallMs()).toISOString();
  const entry = (name: string, own: ModelEntry | undefined) => ({
    ...{ name, model: name, size: own?.bytes ?? 0 },
    ...{ digest: own?.sha256 ?? digestOf(name), details: detailsOf(own) },
  });
  const common = { role: 'user', scope: 'any', tag: 'ollama', errors: 'ollama' } as const;
  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/api/tags',
      summary:
        'Models that a request may name; size and details of those in our own folder, and empty where only the server behind knows them',
      responses: { 200: { description: 'Models', schema: z.object({ models: z.array(looseObject) }) } },
      handler: async () => {
        const models = await freshModels(context);
        const own = await ownModels(context);
        const modified = (name: string) => {
          const added = own.get(name)?.added_ms ?? null;
          return added === null ? started : new Date(added).toISOString();
        };
        return json({
          models: models.map((name) => ({ ...entry(name, own.get(name)), modified_at: modified(name) })),
        });
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/api/ps',
      summary: 'The embedded model while it is in memory; what model servers have loaded is not known here',
      responses: { 200: { description: 'Models', schema: z.object({ models: z.array(looseObject) }) } },
      handler: async () => {
        const own = await ownModels(context);
        const loaded = context.prompts.engines().filter((engine) => engine.loaded === true);
        const names = loaded.flatMap(({ models }) => models);
        const held = (name: string) => {
          const kept = own.get(name);
          return kept?.memory_bytes == null ? {} : { size: kept.memory_bytes, size_vram: 0 };
        };
        return json({ models: names.map((name) => ({ ...entry(name, own.get(name)), ...held(name) })) });
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
        const own = (await ownModels(context)).get(model.replace(/:latest$/, ''));
        const runsModel = chain.some(({ engine }) => engine !== 'navigator');
        return json({
          modelfile: '',
          parameters: '',
          template: '',
          details: detailsOf(own),
          model_info: infoOf(own),
          capabilities: runsModel ? ['completion', 'tools', 'embedding'] : ['completion'],
          arkalia: { chain },
        });
      },
    }),
  ];
}
