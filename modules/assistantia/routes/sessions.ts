import { z } from 'zod';
import type { Bus } from '../../../runtime/contracts/bus.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import { defineRoute, json, ownerOf, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { KeptSessions } from '../kept-sessions.js';
import type { Sessions } from '../sessions.js';

const count = z.number().int();
const session = z.object({
  id: z.string(),
  mode: z
    .enum(['model', 'navigator'])
    .describe('Who answered last: a language model or the built-in assistant'),
  created_ms: z.number(),
  last_used_ms: z.number(),
  answers: count,
});
const answer = z.object({
  index: count.describe('Of its event in the ledger'),
  time_ms: z.number(),
  engine: z.string(),
  model: z.string(),
  prompt: z.string().optional(),
  answer: z.string().optional(),
});
const complete = z.boolean().describe('False where older answers were not looked at');

interface SessionParts {
  kept: KeptSessions;
  sessions: Sessions;
  bus: Pick<Bus, 'publish'>;
}

const noSession = () => new AppError('not_found', 'There is no session of that id, or it is not yours.');

/** Conversations of /chat: each caller sees, takes out and erases their own. */
export function sessionRoutes({ kept, sessions, bus }: SessionParts): RouteDefinition[] {
  const common = { role: 'user', scope: 'chat', tag: 'assistantia', errors: 'problem' } as const;
  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/sessions',
      summary: 'Your conversations with /chat, the last used first, as the ledger holds them',
      responses: {
        200: { description: 'Sessions', schema: z.object({ sessions: z.array(session), complete }) },
      },
      handler: async ({ caller, signal }) => json(await kept.list(ownerOf(caller.id), signal())),
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/sessions/:id',
      summary: 'What was said in one of your conversations, oldest first',
      responses: {
        200: {
          description: 'The session',
          schema: z.object({ id: z.string(), answers: z.array(answer), complete }),
        },
      },
      handler: async ({ c, caller, signal }) => {
        const id = c.req.param('id') ?? '';
        const read = await kept.read(id, ownerOf(caller.id), signal());
        if (read === undefined) throw noSession();
        return json({ id, ...read });
      },
    }),
    defineRoute({
      ...common,
      method: 'DELETE',
      path: '/sessions/:id',
      summary: 'Erases what was said in one of your conversations, for good; every proof still holds',
      responses: {
        200: {
          description: 'What was erased',
          schema: z.object({ events: count, texts: count }),
        },
      },
      handler: async ({ c, caller, signal }) => {
        const id = c.req.param('id') ?? '';
        // First from memory: what is being answered now must not bring it back.
        sessions.forgetOne(caller.id, id);
        const { indexes, texts } = await kept.erase(id, ownerOf(caller.id), signal());
        if (indexes.length === 0) throw noSession();
        sessions.forgetOne(caller.id, id);
        bus.publish('texts.erased', { ids: indexes });
        return json({ events: indexes.length, texts });
      },
    }),
  ];
}
