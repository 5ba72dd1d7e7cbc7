import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import {
  actorOf,
  defineRoute,
  json,
  ownerOf,
  type RouteDefinition,
} from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { position } from '../../../runtime/contracts/position.js';
import type { KeptSessions } from '../kept-sessions.js';
import { messagesOf } from '../kept-turn.js';
import type { Sessions } from '../sessions.js';

const count = z.number().int();
const session = z.object({
  id: z.string(),
  title: z.string().describe('What you named it, else the first words of what was asked'),
  mode: z
    .enum(['model', 'navigator'])
    .nullable()
    .describe(
      'Who answered last: a language model or the built-in assistant; null where all that was asked was refused',
    ),
  created_ms: z.number(),
  last_used_ms: z.number(),
  answers: count,
});
const turn = z.object({
  index: count.describe('Of its event in the ledger'),
  leaf_hash: z.string(),
  time_ms: z.number(),
  prompt: z.string().optional(),
  answer: z.string().optional(),
  engine: z.string().optional(),
  model: z.string().optional(),
  finish_reason: z.string().optional(),
  first_text_ms: z.number().optional(),
  took_ms: z.number().optional(),
  completion_tokens: count.optional(),
  refused: z.array(z.string()).optional().describe('The rules of the guard that refused it'),
});
const title = z.string().max(60).regex(/\S/, 'must not be blank').trim();
const sessionList = z.object({
  sessions: z.array(session),
  titles: z
    .array(z.object({ id: z.string(), title: z.string() }))
    .describe('Every title that you gave in what was looked at, also to what comes further back'),
  next: count.nullable().describe('Where the next page begins: its `until`; null at the end'),
});

interface SessionParts {
  kept: KeptSessions;
  sessions: Sessions;
}
type Erasing = Pick<ModuleContext, 'ledger' | 'bus' | 'rate' | 'clock'>;

/** As long as a session's name may be. */
const idCharsMax = 256;

const noSession = () => new AppError('not_found', 'There is no session of that id, or it is not yours.');

/** Conversations of /chat: each caller sees, takes out and erases their own. */
export function sessionRoutes(context: Erasing, { kept, sessions }: SessionParts): RouteDefinition[] {
  const common = { role: 'user', scope: 'chat', tag: 'assistantia', errors: 'problem' } as const;
  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: '/sessions',
      summary:
        'Your conversations with /chat, the last used first, as the ledger holds them; `next` is where the next page begins: its `until`',
      query: z.strictObject({
        until: position.optional().describe('Only what was said at this index or earlier'),
      }),
      responses: { 200: { description: 'Sessions', schema: sessionList } },
      handler: async ({ query, caller, signal }) =>
        json(await kept.list(ownerOf(caller.id), signal(), query.until)),
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: '/sessions/:id',
      summary: 'What was said in one of your conversations, oldest first; /chat goes on with it then',
      responses: {
        200: {
          description: 'The session',
          schema: z.object({
            id: z.string(),
            title: z.string(),
            turns: z.array(turn),
            complete: z.boolean().describe('False where the oldest were left out, for there is too much'),
          }),
        },
      },
      handler: async ({ c, caller, signal }) => {
        const id = c.req.param('id') ?? '';
        const recalled = sessions.recalling(caller.id, id);
        const read = await kept.read(id, ownerOf(caller.id), signal());
        if (read === undefined) throw noSession();
        // Whoever opens a conversation may go on with it, however far back it lies.
        recalled(read.turns.flatMap(messagesOf));
        return json({ id, ...read });
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: '/sessions/:id/title',
      summary: 'Names one of your conversations; the title is kept and erased with it',
      body: z.strictObject({ title }),
      responses: {
        200: { description: 'It is named', schema: z.object({ id: z.string(), title: z.string() }) },
      },
      handler: async ({ c, body, caller, signal }) => {
        const id = c.req.param('id') ?? '';
        if (!(await kept.name(id, ownerOf(caller.id), body.title, signal()))) throw noSession();
        return json({ id, title: body.title });
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
          schema: z.object({
            events: count,
            texts: count,
            unreadable: count.describe(
              'Ledgers beside it that could not be read, so nobody knows what they hold',
            ),
          }),
        },
      },
      handler: async ({ c, caller }) => {
        const id = c.req.param('id') ?? '';
        if (id.length > idCharsMax) throw noSession();
        const { rate, clock, ledger, bus } = context;
        // It reads every ledger there is and is recorded, whether or not there is such a session.
        const token = rate.prompts.take(caller.id, clock.monotonicMs());
        if (!token.ok) {
          throw new AppError('rate_limited', 'Too many at once; see limits.prompts_per_minute.', {
            retryAfterMs: token.retryAfterMs,
          });
        }
        // First from memory: what is being answered now must not bring it back.
        sessions.forgetOne(caller.id, id);
        const selector = { session: id, owner: ownerOf(caller.id) };
        const { events, texts, unreadable } = await ledger.erase(selector, actorOf(caller));
        sessions.forgetOne(caller.id, id);
        if (events === 0) throw noSession();
        bus.publish('texts.erased', selector);
        return json({ events, texts, unreadable: unreadable.length });
      },
    }),
  ];
}
