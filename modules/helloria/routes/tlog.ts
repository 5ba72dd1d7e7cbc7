import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { parseTilePath, type TilePath } from '../tile-path.js';

/** What was served once is the same for ever. Only the browser or tool itself may keep it: it was asked for with a key. */
const immutable = {
  'content-type': 'application/octet-stream',
  'cache-control': 'private, max-age=31536000, immutable',
};
const checkpointType = 'text/plain; charset=utf-8';

/**
 * The ledger as C2SP tlog-tiles, and proofs from it. What tells of one receipt is for users; tiles tell of every event, as /ledger/events
 * does, so they are for operators: an auditor's key has that role and the one scope `read`. What people typed is not in it.
 */
export function transparencyRoutes(context: ModuleContext): RouteDefinition[] {
  const { log } = context.ledger;
  return [
    defineRoute({
      method: 'GET',
      path: '/ledger/checkpoint',
      role: 'user',
      scope: 'any',
      tag: 'ledger',
      summary: 'The newest signed checkpoint of the log: C2SP tlog-checkpoint',
      errors: 'problem',
      responses: { 200: { description: 'A signed note', contentType: checkpointType } },
      handler: async () =>
        new Response(await log.checkpoint(), {
          headers: { 'content-type': checkpointType, 'cache-control': 'no-cache' },
        }),
    }),
    defineRoute({
      method: 'GET',
      path: '/ledger/tile/entries/:path{.+}',
      role: 'operator',
      scope: 'read',
      tag: 'ledger',
      summary:
        'Up to 256 entries of those that were not pruned, each behind its length in two bytes: C2SP tlog-tiles, path N[.p/W]',
      errors: 'problem',
      responses: { 200: { description: 'An entry bundle', contentType: 'application/octet-stream' } },
      handler: async ({ c }) => octets(await log.entries(place(c.req.param('path')))),
    }),
    defineRoute({
      method: 'GET',
      path: '/ledger/tile/:level/:path{.+}',
      role: 'operator',
      scope: 'read',
      tag: 'ledger',
      summary: 'Up to 256 hashes of the Merkle tree: C2SP tlog-tiles, path L/N[.p/W]',
      errors: 'problem',
      responses: { 200: { description: 'A tile', contentType: 'application/octet-stream' } },
      handler: async ({ c }) => {
        const level = c.req.param('level') ?? '';
        if (!/^(\d|[1-5]\d|6[0-3])$/.test(level)) throw noTile();
        return octets(await log.tile({ level: Number(level), ...place(c.req.param('path')) }));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/ledger/log',
      role: 'user',
      scope: 'any',
      tag: 'ledger',
      summary: 'The log in figures: its key, its size, and the first index that was not pruned',
      errors: 'problem',
      responses: {
        200: {
          description: 'Figures of the log',
          schema: z.object({
            origin: z.string(),
            verifier_key: z.string(),
            size: z.number().int(),
            minimum_index: z.number().int(),
            bytes: z.number().int(),
            limit_bytes: z.number().int(),
            previous_checkpoint: z.string().optional(),
          }),
        },
      },
      handler: () => {
        const { size, minimum_index, bytes, limit_bytes } = context.ledger.status();
        const { verifierKey } = log;
        const origin = verifierKey.slice(0, verifierKey.indexOf('+'));
        return json({
          origin,
          verifier_key: verifierKey,
          size,
          minimum_index,
          bytes,
          limit_bytes,
          ...(log.previous === undefined ? {} : { previous_checkpoint: log.previous }),
        });
      },
    }),
    ...proofRoutes(context),
  ];
}

function proofRoutes({ ledger }: ModuleContext): RouteDefinition[] {
  const { log } = ledger;
  const whole = z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number);
  const hash = z.string().regex(/^[0-9a-f]{64}$/);
  const shared = { hashes: z.array(hash), checkpoint: z.string().optional() };
  const integer = z.number().int();
  return [
    defineRoute({
      method: 'GET',
      path: '/ledger/proof/inclusion',
      role: 'user',
      scope: 'any',
      tag: 'ledger',
      summary:
        'Proof that an event is in the log (RFC 9162); without `size` in a checkpoint that covers it, which may take a second',
      errors: 'problem',
      query: z.strictObject({ index: whole, size: whole.optional() }),
      responses: {
        200: {
          description: 'Hashes from the leaf upwards',
          schema: z.object({ index: integer, size: integer, leaf_hash: hash, root_hash: hash, ...shared }),
        },
      },
      handler: async ({ query }) => json(await within(log.inclusion(query))),
    }),
    defineRoute({
      method: 'GET',
      path: '/ledger/proof/consistency',
      role: 'user',
      scope: 'any',
      tag: 'ledger',
      summary: 'Proof that the log of size `to` begins with the log of size `from` (RFC 9162)',
      errors: 'problem',
      query: z.strictObject({ from: whole, to: whole }),
      responses: {
        200: {
          description: 'Hashes from the leaves upwards',
          schema: z.object({ from: integer, to: integer, root_from: hash, root_to: hash, ...shared }),
        },
      },
      handler: async ({ query }) => json(await within(log.consistency(query))),
    }),
  ];
}

function place(path: string | undefined): TilePath {
  const parsed = parseTilePath(path ?? '');
  if (parsed === null) throw noTile();
  return parsed;
}

function octets(bytes: Uint8Array<ArrayBuffer> | null): Response {
  if (bytes === null) throw noTile();
  return new Response(bytes, { headers: immutable });
}

function noTile(): AppError {
  return new AppError('not_found', 'The log has no such tile; GET /ledger/checkpoint says how large it is.');
}

/** A number that the log does not have is the caller's mistake. */
async function within<T>(proof: Promise<T>): Promise<T> {
  try {
    return await proof;
  } catch (error) {
    if (error instanceof RangeError)
      throw new AppError('invalid_request', `That cannot be proven: ${error.message}.`);
    throw error;
  }
}
