import { z } from 'zod';
import { breakerOrders } from '../../../runtime/contracts/breaker.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import { actorOf, defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';

const state = z.enum(['closed', 'open', 'half_open', 'forced_open', 'disabled', 'metrics_only']);
const total = z.number().int();
const snapshot = z.object({
  name: z.string(),
  state,
  calls: total,
  failures: total,
  slow: total,
  openings: total,
  open_step: total,
  retry_after_ms: z.number().optional(),
  totals: z.object({
    successes: total,
    slow: total,
    failures: total,
    ignored: total,
    late: total,
    refused: total,
  }),
  last: z
    .object({ number: total, from: state, to: state, cause: z.string(), monotonic_ms: z.number() })
    .optional(),
});

/** The breakers, and the orders that an operator may give them. */
export function breakerRoutes(context: ModuleContext): RouteDefinition[] {
  const { breakers } = context;
  return [
    defineRoute({
      method: 'GET',
      path: '/breakers',
      role: 'operator',
      scope: 'read',
      tag: 'system',
      summary: 'The circuit breakers of the engines and what they have counted',
      errors: 'problem',
      responses: { 200: { description: 'Breakers', schema: z.object({ breakers: z.array(snapshot) }) } },
      handler: () => json({ breakers: breakers.all() }),
    }),
    defineRoute({
      method: 'POST',
      path: '/breakers/:name',
      role: 'operator',
      scope: 'operate',
      tag: 'system',
      summary: 'Takes an engine out of use, lets everything through, or resets its breaker',
      errors: 'problem',
      body: z.strictObject({ order: z.enum(breakerOrders) }),
      responses: {
        200: {
          description: 'The breaker, and whether the order changed it',
          schema: z.object({ changed: z.boolean(), breaker: snapshot }),
        },
      },
      handler: ({ c, body, caller }) => {
        const breaker = breakers.find(c.req.param('name') ?? '');
        if (breaker === undefined) {
          const names = breakers.all().map(({ name }) => name);
          throw new AppError(
            'not_found',
            `There is no breaker of that name. There are: ${names.join(', ')}.`,
          );
        }
        const changed = breaker.order(body.order, actorOf(caller));
        return json({ changed, breaker: breaker.snapshot() });
      },
    }),
  ];
}
