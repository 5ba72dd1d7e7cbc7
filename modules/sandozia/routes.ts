import { z } from 'zod';
import { analyticsAnswer } from '../../runtime/contracts/analytics.js';
import { AppError } from '../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../runtime/contracts/http.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { Examiner } from './examiner.js';
import { checkAnswer, energyAnswer, scoreAnswer, statusAnswer } from './schema.js';
import { globalScore } from './score.js';

const recordedQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) });
const recordedAnswer = z.object({
  events: z.array(
    z.object({ index: z.number(), time_ms: z.number(), data: z.record(z.string(), z.unknown()) }),
  ),
});
const patternsAnswer = analyticsAnswer.pick({
  decisions: true,
  baseline: true,
  anomalies: true,
  behaviour: true,
});

/** What Sandozia compares, has found and makes of it. */
export function sandoziaRoutes(
  context: ModuleContext,
  examiner: Examiner,
  status: () => unknown,
): RouteDefinition[] {
  const recorded = (path: string, type: 'snapshot_taken' | 'contradiction_detected', summary: string) =>
    defineRoute({
      method: 'GET',
      path,
      role: 'operator',
      scope: 'read',
      tag: 'sandozia',
      summary,
      errors: 'problem',
      query: recordedQuery,
      responses: { 200: { description: 'Events of the ledger, newest first', schema: recordedAnswer } },
      handler: async ({ query: { limit } }) => {
        const events = await context.ledger.query({ type, limit, order: 'desc' });
        return json({ events: events.map(({ index, time_ms, data }) => ({ index, time_ms, data })) });
      },
    });
  return [
    defineRoute({
      method: 'GET',
      path: '/sandozia/status',
      role: 'operator',
      scope: 'read',
      tag: 'sandozia',
      summary: "Whether the modules' accounts of the same things agree, check by check",
      errors: 'problem',
      responses: { 200: { description: 'Checks with their last result', schema: statusAnswer } },
      handler: () => json(status()),
    }),
    recorded('/sandozia/snapshots', 'snapshot_taken', 'How all accounts stood, as it was recorded'),
    recorded('/sandozia/validations', 'contradiction_detected', 'Contradictions that were recorded'),
    defineRoute({
      method: 'GET',
      path: '/sandozia/score',
      role: 'operator',
      scope: 'read',
      tag: 'sandozia',
      summary: 'How well the appliance agrees with itself and stands, 0 to 1, with its parts',
      errors: 'problem',
      responses: { 200: { description: 'Score', schema: scoreAnswer } },
      handler: () => json(globalScore(examiner.results(), context.status())),
    }),
    defineRoute({
      method: 'GET',
      path: '/sandozia/patterns',
      role: 'operator',
      scope: 'read',
      tag: 'sandozia',
      summary:
        'How decisions follow each other, hours unlike those before, and other changes of behaviour, each with its numbers',
      errors: 'problem',
      query: z.strictObject({ hours: z.coerce.number().int().min(1).max(720).default(24) }),
      responses: {
        200: { description: 'Patterns of the last hours', schema: patternsAnswer },
        503: { description: 'Shed at the degradation level in force' },
      },
      handler: async ({ query: { hours } }) => {
        if (!context.degradation.limits().analysis) {
          throw new AppError('degraded', "The appliance has shed Sandozia's analysis of behaviour.");
        }
        const { decisions, baseline, anomalies, behaviour } = await context.ledger.analyse(hours);
        return json({ decisions, baseline, anomalies, behaviour });
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/sandozia/energy',
      role: 'operator',
      scope: 'read',
      tag: 'sandozia',
      summary:
        'Power now, and the energy of the last hour and day: per request, per token, and where it is known from',
      errors: 'problem',
      responses: { 200: { description: 'Energy; what is not known is absent', schema: energyAnswer } },
      handler: () => json(examiner.energy.status()),
    }),
    defineRoute({
      method: 'POST',
      path: '/sandozia/validate',
      role: 'operator',
      scope: 'operate',
      tag: 'sandozia',
      summary: 'Lets every check compare now',
      errors: 'problem',
      body: z.strictObject({}),
      responses: {
        200: { description: 'Checks with their result', schema: z.object({ checks: z.array(checkAnswer) }) },
      },
      handler: async () => json({ checks: await examiner.validate() }),
    }),
  ];
}
