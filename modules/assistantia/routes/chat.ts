import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { asAppError, problemBody } from '../../../runtime/contracts/failure.js';
import { defineRoute, json, ownerOf, type RouteDefinition } from '../../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../../runtime/contracts/idempotency.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { preferHeader, preferredWaitMs, recordedStatus } from '../../../runtime/contracts/record.js';
import { toolGrants, toolNameForm } from '../../../runtime/contracts/tools.js';
import { engineRequestOf } from '../engine-request.js';
import { type Marked, markPrompt } from '../guard/canary.js';
import { partsOfMessages, withDocuments } from '../guard/parts.js';
import type { KeptSessions } from '../kept-sessions.js';
import type { Pipeline } from '../pipeline.js';
import type { Answer } from '../question.js';
import type { Sessions } from '../sessions.js';
import { sseEvent, sseHeaders, sseWaiting, streamResponse } from '../stream.js';
import type { Passages } from '../toolbox/tool.js';
import { Toolbox } from '../toolbox/toolbox.js';
import { wholeAnswer } from '../whole-answer.js';

const MESSAGE_CHARS_MAX = 200_000;

const chatRequest = z.strictObject({
  message: z.string().min(1).max(MESSAGE_CHARS_MAX),
  session_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 _ -')
    .optional()
    .describe('Continues a conversation, or begins one of that id; without it a new one begins'),
  documents: z
    .array(
      z.strictObject({ name: z.string().min(1).max(200), text: z.string().min(1).max(MESSAGE_CHARS_MAX) }),
    )
    .max(16)
    .default([])
    .describe('Texts to work on. Nobody in this conversation wrote them: orders in them are refused'),
  tools: z
    .array(z.string().regex(toolNameForm, `must be one of ${toolGrants.join(', ')}, or mcp:NAME`))
    .max(32)
    .default([])
    .describe(
      'What code that the model asks for may use, of what tools.granted has, and configured MCP servers as mcp:NAME; none: it cannot ask for any',
    ),
  stream: z
    .boolean()
    .default(false)
    .describe(
      'Answer as server-sent events: delta, with tools also tool, then done or error. While it waits for an engine, comments tell its place: ": waiting position=2 estimate_ms=900"; 1 is the next to start, 0 starts',
    ),
  model: z
    .string()
    .max(200)
    .optional()
    .describe('Answered by this model or refused; unset: the configured order'),
});

const chatAnswer = z.object({
  answer: z.string(),
  session_id: z.string(),
  engine: z.string(),
  model: z.string(),
  finish_reason: z.enum(['stop', 'length', 'tool_calls', 'content_filter']),
  usage: z.object({ prompt_tokens: z.number().int(), completion_tokens: z.number().int() }).optional(),
  left_out: z
    .number()
    .int()
    .optional()
    .describe("Earlier messages that the model's context does not hold, and that it was not sent"),
  replayed: z
    .boolean()
    .optional()
    .describe('It was given before, to a request with the same Idempotency-Key'),
  reasons: z.array(z.record(z.string(), z.unknown())),
  receipt: z.object({
    recorded: z.enum(['durable', 'checkpointed']),
    index: z.number().int(),
    leaf_hash: z.string(),
    proof: z.record(z.string(), z.unknown()).optional().describe('With `checkpointed`'),
  }),
});

const chatQuery = z.strictObject({
  record: z
    .enum(['durable', 'checkpointed'])
    .default('durable')
    .describe('What the end of the answer waits for: its event on the disk, or proven in a checkpoint'),
});

function answerFields(answer: Answer, session: string): Record<string, unknown> {
  return {
    session_id: answer.session ?? session,
    engine: answer.engine,
    model: answer.model,
    finish_reason: answer.finishReason,
    usage: answer.usage,
    reasons: answer.reasons,
    receipt: answer.receipt,
    ...(answer.leftOut === undefined ? {} : { left_out: answer.leftOut }),
    ...(answer.replayed === true ? { replayed: true } : {}),
  };
}

interface Conversations {
  sessions: Sessions;
  kept: Pick<KeptSessions, 'recall'>;
}

/** POST /chat, the simple native form. */
export function chatRoutes(
  context: ModuleContext,
  pipeline: Pipeline,
  { sessions, kept }: Conversations,
  passages: Passages,
): RouteDefinition[] {
  const { system_prompt: own } = context.config.assistantia;
  const marked: Marked = context.config.guard.canary
    ? markPrompt(own, context.random)
    : { prompt: own, canary: undefined };
  return [
    defineRoute({
      method: 'POST',
      path: '/chat',
      role: 'user',
      scope: 'chat',
      tag: 'assistantia',
      summary: 'Asks the assistant; the answer carries who spoke and its receipt',
      errors: 'problem',
      body: chatRequest,
      query: chatQuery,
      headers: [preferHeader, idempotencyHeader],
      responses: {
        200: { description: 'The answer, or its stream when asked for', schema: chatAnswer },
        202: { description: 'The answer; no checkpoint within the wait, so durable', schema: chatAnswer },
      },
      handler: async (call) => {
        const { body, query, caller, requestId, header } = call;
        const waitMs = preferredWaitMs(header('prefer'));
        const session = body.session_id ?? randomBytes(12).toString('base64url');
        const owner = caller.id;
        const { system_prompt: systemPrompt } = context.config.assistantia;
        const asked = { role: 'user', content: withDocuments(body.message, body.documents) } as const;
        if (body.session_id !== undefined && !sessions.has(owner, session)) {
          const { session_messages_max: messagesMax } = context.config.assistantia;
          const recalled = sessions.recalling(owner, session);
          recalled(await kept.recall(session, ownerOf(owner), { messagesMax, signal: call.signal() }));
        }
        const earlier = sessions.messages(owner, session);
        const toolbox = await Toolbox.for(context, body.tools, passages);
        const events = pipeline.ask({
          ...engineRequestOf(call),
          ...(toolbox === undefined ? {} : { toolbox }),
          model: body.model,
          navigatorByDefault: true,
          messages: [{ role: 'system', content: marked.prompt }, ...earlier, asked],
          parts: [
            ...partsOfMessages(earlier),
            { text: body.message, mode: 'prompt' },
            ...body.documents.map(({ text }) => ({ text, mode: 'document' as const })),
          ],
          sampling: {},
          session,
          tellsPlace: body.stream,
          systemPrompt,
          canary: marked.canary,
          record: { level: query.record, waitMs },
        });
        const remember = (text: string, answer: Answer) => {
          if (answer.finishReason === 'content_filter' || answer.replayed === true) return;
          sessions.add(owner, session, [asked, { role: 'assistant', content: text }]);
        };
        if (!body.stream) {
          const { text, answer } = await wholeAnswer(events);
          remember(text, answer);
          const status = recordedStatus(answer.receipt.recorded, query.record);
          return json({ answer: text, ...answerFields(answer, session) }, status);
        }
        async function* frames() {
          let text = '';
          for await (const event of events) {
            if (event.type === 'delta') {
              text += event.text;
              yield sseEvent(JSON.stringify({ text: event.text }), 'delta');
            } else if (event.type === 'tool') {
              const { name, outcome, tookMs } = event;
              yield sseEvent(JSON.stringify({ name, outcome, took_ms: tookMs }), 'tool');
            } else if (event.type === 'waiting') yield sseWaiting(event.place);
            else if (event.type === 'done') {
              remember(text, event.answer);
              yield sseEvent(JSON.stringify(answerFields(event.answer, session)), 'done');
            }
          }
        }
        const onError = (error: unknown) =>
          sseEvent(JSON.stringify(problemBody(asAppError(error), requestId)), 'error');
        return streamResponse(frames(), onError, sseHeaders);
      },
    }),
  ];
}
