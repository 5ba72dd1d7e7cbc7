import { z } from 'zod';
import { actorOf, defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { EraseSelector } from '../../../runtime/contracts/ledger.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';

const name = z.string().min(1).max(256);
const eraseBody = z
  .strictObject({
    session: name.optional(),
    key: name.optional(),
    before: z.number().int().min(0).optional(),
    ids: z.array(z.number().int().min(0)).min(1).max(1000).optional(),
  })
  .refine((body) => Object.keys(body).length === 1, 'must have exactly one of session, key, before, ids');

function selectorOf({ session, key, before, ids }: z.infer<typeof eraseBody>): EraseSelector {
  if (session !== undefined) return { session };
  if (key !== undefined) return { key };
  if (before !== undefined) return { before };
  return { ids: ids ?? [] };
}

/** Erasure of what people typed. */
export function eraseRoutes(context: ModuleContext): RouteDefinition[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/ledger/erase',
      role: 'admin',
      scope: 'admin',
      tag: 'ledger',
      summary:
        'Erases what people typed, for good, by session, by key, before a time (ms since 1970) or by index; every proof still holds',
      errors: 'problem',
      body: eraseBody,
      responses: {
        200: {
          description: 'What was erased, and the receipt of the event that says so',
          schema: z.object({
            events: z.number().int(),
            texts: z.number().int(),
            files: z.array(z.string()),
            unreadable: z.array(z.string()),
            receipt: z.record(z.string(), z.unknown()),
          }),
        },
      },
      handler: async ({ body, caller }) => {
        const selector = selectorOf(body);
        const erasure = await context.ledger.erase(selector, actorOf(caller));
        context.bus.publish('texts.erased', selector);
        return json(erasure);
      },
    }),
  ];
}
