import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { actorOf, defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { modelNamePattern, modelNameRule, modelPieceBytesMax } from '../../../runtime/contracts/models.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { readBody } from '../frame/body.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
const count = z.number().int();
const work = z.object({
  name: z.string(),
  act: z.enum(['add', 'pull', 'verify']),
  state: z.enum(['receiving', 'reading', 'done', 'failed']),
  bytes: count,
  of: count.nullable().describe('Null where nobody knows yet'),
  problem: z.string().optional(),
});
const facts = z.object({
  architecture: z.string().optional(),
  name: z.string().optional(),
  licence: z.string().optional(),
  parameters: count,
  quantisation: z.string(),
  context_tokens: count.optional(),
  chat_template: z.boolean(),
  cache_bytes_per_token: count.optional(),
});
const list = z.object({
  folder: z.string(),
  default: z.string().nullable(),
  fixed: z.string().nullable().describe('engines.embedded.model_file, which is used whatever the default is'),
  memory_limit_bytes: count,
  models: z.array(
    z.object({
      name: z.string(),
      bytes: count,
      sha256: z.string().nullable(),
      added_ms: z.number().nullable(),
      facts: facts.nullable(),
      memory_bytes: count.nullable(),
      is_default: z.boolean(),
    }),
  ),
  work: z.array(work),
});
const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);
const common = { role: 'admin', scope: 'admin', tag: 'models', errors: 'problem' } as const;

/** The model files of the embedded engine. */
export function modelRoutes({ models }: Pick<ModuleContext, 'models'>): RouteDefinition[] {
  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/models',
      summary: 'The model files, what is known of them and needed for them, and what is being done',
      responses: { 200: { description: 'Models', schema: list } },
      handler: async () => json(await models.list()),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/models',
      summary: 'Begins to fetch a model from an address, or goes on where an earlier attempt ended',
      body: z.strictObject({
        url: z.string().min(1).max(2048),
        name: z.string().regex(modelNamePattern, `is none: a model's name ${modelNameRule}`),
        sha256: sha256.optional(),
      }),
      responses: { 202: { description: 'It is under way; GET /models says how far', schema: work } },
      handler: async ({ body, caller }) => json(await models.pull(body, actorOf(caller)), 202),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/models/:name',
      bodyBytesMax: modelPieceBytesMax,
      unrepeatable: 'a piece says where in the file it stands, so it may be sent again as it is.',
      summary: `Takes a piece of a model file, at most ${modelPieceBytesMax} bytes as application/octet-stream; with the last one the file is read and pinned`,
      query: z.strictObject({
        at: wholeNumber.describe('Where in the file the piece stands; at 0 the upload begins anew'),
        of: wholeNumber.describe('How long the file is'),
        sha256: sha256.optional().describe('What the whole must hash to'),
      }),
      responses: { 202: { description: 'How far it is', schema: work } },
      handler: async ({ c, query, header, caller }) => {
        if (header('content-type') !== 'application/octet-stream')
          throw new AppError(
            'unsupported_media_type',
            'Send the piece with "Content-Type: application/octet-stream".',
          );
        const { incoming } = c.env as { incoming: IncomingMessage };
        const bytes = await readBody(incoming, modelPieceBytesMax);
        const name = c.req.param('name') ?? '';
        return json(await models.receive({ name, ...query, bytes }, actorOf(caller)), 202);
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/models/:name/verify',
      summary: 'Begins to hash a model again; one that was put there by hand is pinned to what it is',
      body: z.strictObject({}),
      responses: { 202: { description: 'It is under way; GET /models says how far', schema: work } },
      handler: async ({ c, caller }) =>
        json(await models.verify(c.req.param('name') ?? '', actorOf(caller)), 202),
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/models/:name/default',
      summary: 'Makes a model the one that is loaded; answers that are being made are not cut short',
      body: z.strictObject({}),
      responses: { 200: { description: 'Models', schema: list } },
      handler: async ({ c, caller }) => {
        await models.choose(c.req.param('name') ?? '', actorOf(caller));
        return json(await models.list());
      },
    }),
    defineRoute({
      ...common,
      method: 'DELETE',
      path: '/models/:name',
      summary: 'Deletes a model, and what is left of an upload or a download of that name',
      responses: { 204: { description: 'Removed' } },
      handler: async ({ c, caller }) => {
        await models.remove(c.req.param('name') ?? '', actorOf(caller));
        return new Response(null, { status: 204 });
      },
    }),
  ];
}
