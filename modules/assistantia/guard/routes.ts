import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../../runtime/contracts/errors.js';
import {
  GUARD_TEXT_MAX,
  type GuardJudgement,
  guardLevels,
  guardModes,
} from '../../../runtime/contracts/guard.js';
import {
  actorOf,
  type Caller,
  defineRoute,
  json,
  ownerOf,
  type RouteDefinition,
} from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { FeedbackRows } from './feedback.js';

const TEXTS_MAX = 256;

const text = z.string().max(GUARD_TEXT_MAX);
const mode = z
  .enum(guardModes)
  .optional()
  .describe(
    'prompt: a person typed it (unless said otherwise); document: a tool, a file or a page brought it',
  );
const level = z.enum(guardLevels).optional().describe('Instead of guard.level');

const guardRequest = z.union([
  z.strictObject({ text, mode, level }),
  z.strictObject({ texts: z.array(text).min(1).max(TEXTS_MAX), mode, level }),
]);

const span = z.tuple([z.number().int(), z.number().int()]);
const judged = z.object({
  verdict: z.enum(['allow', 'flag', 'refuse']),
  score: z.number(),
  threshold: z.number(),
  mode: z.enum(guardModes),
  level: z.enum(guardLevels),
  model: z.string().describe('SHA-256 of the weights'),
  second: z
    .union([
      z.object({ probability: z.number(), threshold: z.number(), model: z.string() }),
      z.object({ failed: z.string(), model: z.string() }),
    ])
    .optional()
    .describe('What the second opinion said, where one was asked'),
  reasons: z.array(z.object({ rule: z.string(), en: z.string(), fr: z.string(), span })),
  spans: z.array(span).describe('Where in the text, in UTF-16 code units, end exclusive'),
  sanitized: z.string().describe('The text without those places and without characters that nobody sees'),
});

const feedbackRequest = z.strictObject({
  text: z.string().min(1).max(20_000),
  kind: z.enum(['false_alarm', 'missed']),
  mode,
  index: z.number().int().min(0).optional().describe('Of the event that the receipt of the refusal names'),
});

const acceptRequest = z.strictObject({ index: z.number().int().min(0), accepted: z.boolean() });

const receiptOnly = z.object({ receipt: z.object({ index: z.number().int(), leaf_hash: z.string() }) });

/** By what the texts of a person are found when they are to be erased. */
function ownerTexts({ id }: Caller): Record<string, string> {
  const key = ownerOf(id);
  return key === null ? {} : { key };
}

/** The guard as a service, and what people say about its verdicts. */
export function guardRoutes(context: ModuleContext, rows: FeedbackRows): RouteDefinition[] {
  const { guard, ledger } = context;
  const answer = (asked: string, judgement: GuardJudgement) => {
    const { verdict, score, threshold, model, second } = judgement;
    const reasons = judgement.reasons.map(({ rule, en, fr, span: place }) => ({ rule, en, fr, span: place }));
    return {
      ...{ verdict, score, threshold, mode: judgement.mode, level: judgement.level, model, reasons },
      ...(second === undefined ? {} : { second }),
      spans: reasons.map((reason) => reason.span),
      sanitized: guard.sanitize(asked, judgement.reasons),
    };
  };
  return [
    defineRoute({
      method: 'POST',
      path: '/assistantia/guard',
      role: 'user',
      scope: 'guard',
      tag: 'assistantia',
      summary: 'Judges a text, or up to 256 at once; records nothing and changes nothing',
      errors: 'problem',
      body: guardRequest,
      responses: {
        200: {
          description: 'The verdict, or a list of them in order',
          schema: z.union([judged, z.array(judged)]),
        },
      },
      handler: async ({ body }) => {
        const options = { mode: body.mode, level: body.level };
        if ('text' in body) return json(answer(body.text, await guard.detect(body.text, options)));
        const answers: ReturnType<typeof answer>[] = [];
        for (const each of body.texts) {
          answers.push(answer(each, await guard.detect(each, options)));
          // Others have their turn between two texts.
          await nextTurn();
        }
        return json(answers);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/assistantia/guard/feedback',
      role: 'user',
      scope: 'guard',
      tag: 'assistantia',
      summary:
        'Says that a verdict was wrong. Recorded; it changes nothing by itself: an administrator accepts rows for training',
      errors: 'problem',
      body: feedbackRequest,
      responses: { 200: { description: 'It is recorded', schema: receiptOnly } },
      handler: async ({ body, caller, requestId }) => {
        const token = context.rate.prompts.take(caller.id, context.clock.monotonicMs());
        if (!token.ok) {
          throw new AppError('rate_limited', 'Too many reports; see limits.prompts_per_minute.', {
            retryAfterMs: token.retryAfterMs,
          });
        }
        const judgement = await guard.detect(body.text, { mode: body.mode });
        const data = {
          kind: body.kind,
          verdict: judgement.verdict,
          rules: judgement.reasons.map(({ rule }) => rule),
          mode: judgement.mode,
          level: judgement.level,
          score: judgement.score,
          threshold: judgement.threshold,
          model: judgement.model,
          chars: body.text.length,
          ...(body.index === undefined ? {} : { about: body.index }),
        };
        const receipt = await ledger.append({
          type: 'guard_feedback',
          module: 'assistantia',
          correlationId: requestId,
          data,
          texts: { prompt: body.text, ...ownerTexts(caller) },
        });
        rows.add({ index: receipt.index, kind: body.kind, text: body.text, data, accepted: null });
        return json({ receipt });
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/assistantia/guard/feedback',
      role: 'admin',
      scope: 'admin',
      tag: 'assistantia',
      summary: 'What was reported since the start, with the texts, the last 256',
      errors: 'problem',
      responses: {
        200: {
          description: 'Reports, oldest first',
          schema: z.object({ rows: z.array(z.record(z.string(), z.unknown())) }),
        },
      },
      handler: () => json({ rows: rows.all() }),
    }),
    defineRoute({
      method: 'POST',
      path: '/assistantia/guard/feedback/accept',
      role: 'admin',
      scope: 'admin',
      tag: 'assistantia',
      summary:
        'Accepts a report as a row for training, or rejects it. Recorded; `train:guard --ledger` reads it',
      errors: 'problem',
      body: acceptRequest,
      responses: { 200: { description: 'It is recorded', schema: receiptOnly } },
      handler: async ({ body, caller, requestId }) => {
        const { index, accepted } = body;
        const [event] = await ledger.query({
          ...{ type: 'guard_feedback', since: index, until: index, limit: 1, order: 'asc' },
        });
        if (event === undefined) throw new AppError('not_found', `Event ${index} is no report of a verdict.`);
        const receipt = await ledger.append({
          type: 'guard_row_judged',
          module: 'assistantia',
          correlationId: requestId,
          data: { index, accepted, by: actorOf(caller) },
          texts: ownerTexts(caller),
        });
        rows.judge(index, accepted);
        return json({ receipt });
      },
    }),
  ];
}
