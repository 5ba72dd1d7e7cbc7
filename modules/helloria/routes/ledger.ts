import { z } from 'zod';
import { analyticsAnswer } from '../../../runtime/contracts/analytics.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { EventQuery } from '../../../runtime/contracts/ledger.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { mayGoOn } from '../../../runtime/contracts/people.js';
import { position } from '../../../runtime/contracts/position.js';
import { EventStreams, eventStreamType } from './ledger-stream.js';

const instant = z
  .string()
  .regex(
    /^(\d{1,15}|\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)$/,
    'must be milliseconds since 1970, or UTC such as 2026-03-01T12:00:00Z',
  )
  .transform((value) => (/^\d+$/.test(value) ? Number(value) : Date.parse(value)))
  .refine((value) => !Number.isNaN(value), 'must be a time that there is');
const words = z
  .string()
  .max(200)
  .regex(/[\p{L}\p{N}]/u, 'must hold a word');

/** What events are selected by. */
const filter = {
  type: z.string().max(128).optional(),
  module: z.string().max(128).optional(),
  stream: z.string().max(256).optional(),
  correlation_id: z.string().max(256).optional().describe('The x-request-id of the answer'),
  from: instant.optional().describe('Wall time, inclusive'),
  to: instant.optional().describe('Wall time, exclusive'),
  text: words.optional().describe('Words that are all in the event; decisions have none'),
};
type Filter = z.output<z.ZodObject<typeof filter>>;

function eventFilter({ correlation_id: correlationId, from: fromMs, to: toMs, ...same }: Filter) {
  return { ...same, correlationId, fromMs, toMs } satisfies Partial<EventQuery>;
}

/** Events of the ledger, without what people typed. */
export function ledgerRoutes(context: ModuleContext, closing: AbortSignal): RouteDefinition[] {
  const { ledger } = context;
  return [
    streamRoute(context, closing),
    defineRoute({
      method: 'GET',
      path: '/ledger/analytics',
      role: 'operator',
      scope: 'read',
      tag: 'ledger',
      summary:
        'Counts and rates, patterns of decisions, and what is unusual against the hours before; the first answer after a start takes seconds',
      errors: 'problem',
      query: z.strictObject({
        hours: z
          .string()
          .regex(/^([1-9]\d?|[1-6]\d\d|7[01]\d|720)$/, 'must be 1 to 720')
          .transform(Number)
          .default(24)
          .describe('Length of the window, up to the newest event'),
      }),
      responses: { 200: { description: 'Figures of the window', schema: analyticsAnswer } },
      handler: async ({ query }) => json(await ledger.analyse(query.hours)),
    }),
    defineRoute({
      method: 'GET',
      path: '/ledger/events',
      role: 'operator',
      scope: 'read',
      tag: 'ledger',
      summary:
        'Recorded events that fit all of the query; `next` is where the next page begins: its `since` (asc) or `until` (desc)',
      errors: 'problem',
      query: z.strictObject({
        ...filter,
        since: position.optional().describe('Only events at this index or later'),
        until: position.optional().describe('Only events at this index or earlier'),
        limit: z
          .string()
          .regex(/^([1-9]\d{0,2}|1000)$/, 'must be 1 to 1000')
          .transform(Number)
          .default(100),
        order: z.enum(['asc', 'desc']).default('asc'),
      }),
      responses: {
        200: {
          description: 'Events in order of their index',
          schema: z.object({
            events: z.array(z.record(z.string(), z.unknown())),
            next: z.number().int().nullable(),
            size: z.number().int(),
            minimum_index: z.number().int(),
          }),
        },
      },
      handler: async ({ query }) => {
        const { since, until, limit, order, ...rest } = query;
        const events = await ledger.query({ ...eventFilter(rest), since, until, limit, order });
        const { size, minimum_index } = ledger.status();
        return json({ events, next: nextPage(events, { limit, order }), size, minimum_index });
      },
    }),
  ];
}

/** The events as they come. `closing` aborts when the server is about to close. */
function streamRoute(context: ModuleContext, closing: AbortSignal): RouteDefinition {
  const { ledger } = context;
  const streams = new EventStreams();
  return defineRoute({
    method: 'GET',
    path: '/ledger/events/stream',
    role: 'operator',
    scope: 'read',
    tag: 'ledger',
    summary:
      'Events that fit all of the query as server-sent events, from `since` or behind Last-Event-ID on, else from now on; the last is `end`',
    errors: 'problem',
    query: z.strictObject({ ...filter, since: position.optional().describe('From this index on') }),
    responses: { 200: { description: 'Each `id` is an index', contentType: eventStreamType } },
    handler: ({ query, caller, header, signal }) => {
      const { since, ...rest } = query;
      const from = afterLastEvent(header('last-event-id')) ?? since ?? ledger.status().size;
      return streams.response({
        follow: (until) => ledger.follow({ ...eventFilter(rest), since: from, signal: until }),
        client: signal(),
        closing,
        mayGoOn: () => mayGoOn(context, caller),
      });
    },
  });
}

function afterLastEvent(id: string | undefined): number | undefined {
  if (id === undefined || id === '') return undefined;
  if (/^\d{1,15}$/.test(id)) return Number(id) + 1;
  throw new AppError('invalid_request', 'Last-Event-ID must be the index of an event.');
}

function nextPage(
  events: readonly { index: number }[],
  { limit, order }: { limit: number; order: 'asc' | 'desc' },
): number | null {
  const last = events.at(-1)?.index;
  if (last === undefined || events.length < limit) return null;
  if (order === 'asc') return last + 1;
  return last === 0 ? null : last - 1;
}
