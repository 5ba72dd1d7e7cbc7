import { z } from 'zod';
import { scopesOf } from '../../../runtime/contracts/access.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import {
  actorOf,
  type Caller,
  defineRoute,
  json,
  ownerOf,
  type RouteDefinition,
} from '../../../runtime/contracts/http.js';
import type { Ledger } from '../../../runtime/contracts/ledger.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';

/** Entries of a bundle of tlog-tiles. */
const bundleWidth = 256;

const index = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number')
  .transform(Number);

/** One event: its bytes for whom it concerns, and its texts for administrators. */
export function entryRoutes({ ledger }: ModuleContext): RouteDefinition[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/ledger/entry',
      role: 'user',
      scope: 'any',
      tag: 'ledger',
      summary:
        'The bytes that a receipt is a hash of, without texts: of your own answer or decision, or of any event with the scope read',
      errors: 'problem',
      query: z.strictObject({ index }),
      responses: { 200: { description: 'The entry', contentType: 'application/octet-stream' } },
      handler: async ({ query, caller }) => {
        const { index: place } = query;
        const isTheirs = scopesOf(caller).includes('read') || (await isOwn(ledger, place, caller));
        const entry = isTheirs ? await entryAt(ledger, place) : null;
        if (entry === null)
          throw new AppError('not_found', 'There is no event at that index, or it is not yours.');
        return new Response(entry, {
          headers: {
            'content-type': 'application/octet-stream',
            'cache-control': 'private, max-age=31536000, immutable',
          },
        });
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/ledger/texts',
      role: 'admin',
      scope: 'admin',
      tag: 'ledger',
      summary: 'What people typed and were answered, beside an event; that it was read is recorded',
      errors: 'problem',
      query: z.strictObject({ index }),
      responses: {
        200: {
          description: 'The texts by name; none where they were erased',
          schema: z.object({ index: z.number().int(), texts: z.record(z.string(), z.string()) }),
        },
      },
      handler: async ({ query, caller }) => {
        const { index: place } = query;
        const [event] = await eventsAt(ledger, place);
        if (event === undefined) throw new AppError('not_found', 'There is no event at that index.');
        // First the record, so that nobody reads without one.
        await ledger.append({
          type: 'texts_read',
          module: 'kernel',
          data: { index: place, by: actorOf(caller) },
        });
        const [texts = {}] = await ledger.texts([place]);
        return json({ index: place, texts }, 200, { 'cache-control': 'no-store' });
      },
    }),
  ];
}

const eventsAt = (ledger: Ledger, place: number) =>
  ledger.query({ since: place, until: place, limit: 1, order: 'asc' });

/**
 * Whether an event is of the caller's own doing: its texts say so, or the series of decisions that a caller without a name for it has. Once the
 * texts are erased nobody can tell any more.
 */
async function isOwn(ledger: Ledger, place: number, caller: Caller): Promise<boolean> {
  const [event] = await eventsAt(ledger, place);
  if (event === undefined) return false;
  const owner = ownerOf(caller.id);
  if (event.stream === `posted:${owner ?? caller.id}`) return true;
  const [texts = {}] = await ledger.texts([place]);
  return owner === null ? texts.prompt !== undefined && texts.key === undefined : texts.key === owner;
}

/** The entry at an index; null where the log does not reach so far. @throws AppError `pruned` */
async function entryAt(ledger: Ledger, place: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const within = place % bundleWidth;
  const bundle = await ledger.log.entries({ number: Math.floor(place / bundleWidth), width: within + 1 });
  if (bundle === null) return null;
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  let at = 0;
  for (let skipped = 0; skipped < within; skipped++) at += 2 + view.getUint16(at);
  return bundle.slice(at + 2, at + 2 + view.getUint16(at));
}
