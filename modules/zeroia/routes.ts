import { z } from 'zod';
import type { Decision, ScoreInput } from '../../runtime/contracts/decision.js';
import { AppError } from '../../runtime/contracts/errors.js';
import {
  defineDirectRoute,
  defineRoute,
  json,
  jsonText,
  ownerOf,
  type RouteDefinition,
} from '../../runtime/contracts/http.js';
import { type Idempotency, idempotencyHeader } from '../../runtime/contracts/idempotency.js';
import {
  preferHeader,
  preferredWaitMs,
  type RecordLevel,
  recordedStatus,
} from '../../runtime/contracts/record.js';
import type { Decider } from './decider.js';
import { answerJson } from './encode.js';
import { decideOnce } from './once.js';
import { contextRelevance } from './relevance.js';
import { type DecisionRequest, decisionAnswer, decisionQuery, decisionRequest } from './schema.js';

function contextText(context: DecisionRequest['context']): string | undefined {
  return context === undefined || typeof context === 'string' ? context : JSON.stringify(context);
}

function inputOf(body: DecisionRequest, context: string | undefined): ScoreInput {
  const input: ScoreInput = { cpu: body.cpu, ram: body.ram, severity: body.severity };
  if (body.temperature_c !== undefined) input.temperatureC = body.temperature_c;
  if (body.disk !== undefined) input.disk = body.disk;
  if (body.error_rate !== undefined) input.errorRate = body.error_rate;
  if (body.latency_ms !== undefined) input.latencyMs = body.latency_ms;
  if (context !== undefined) input.contextRelevance = contextRelevance(context);
  return input;
}

/** @throws AppError `invalid_request` when body and query contradict each other. */
function levelOf(inBody: RecordLevel | undefined, inQuery: RecordLevel | undefined): RecordLevel {
  if (inBody !== undefined && inQuery !== undefined && inBody !== inQuery) {
    throw new AppError(
      'invalid_request',
      `record is ${inBody} in the body and ${inQuery} in the query; give it once.`,
      { details: { param: 'record' } },
    );
  }
  return inBody ?? inQuery ?? 'durable';
}

export function zeroiaRoutes(
  decider: Decider,
  options: {
    idempotency: Idempotency;
    count(decision: Decision): void;
    /** A decision whose answer did not wait for the disk could not be recorded. */
    lost(error: unknown, requestId: string): void;
    /** Whether decisions are made for others now. */
    advises(): boolean;
    status(): Record<string, unknown>;
  },
): RouteDefinition[] {
  return [
    defineDirectRoute({
      method: 'POST',
      path: '/zeroia/decisions',
      role: 'user',
      scope: 'decisions',
      tag: 'zeroia',
      summary:
        'Decides on measurements of yours. Advice: it changes nothing on this device, and is durable before it is answered, unless you ask for less or more',
      errors: 'problem',
      body: decisionRequest,
      query: decisionQuery,
      headers: [preferHeader, idempotencyHeader],
      responses: {
        200: { description: 'The decision, recorded as asked', schema: decisionAnswer },
        202: {
          description: 'The decision; when the wait was over less held than asked',
          schema: decisionAnswer,
        },
      },
      handler: async ({ body, query, caller, requestId, header }) => {
        if (!options.advises()) {
          throw new AppError('degraded', 'The appliance has shed decisions on posted measurements.');
        }
        const asked = levelOf(body.record, query.record);
        const waitMs = preferredWaitMs(header('prefer'));
        const text = contextText(body.context);
        const owner = ownerOf(caller.id);
        const stream = body.stream ?? owner ?? caller.id;
        const series = `posted:${stream}`;
        const about = { stream: series, correlationId: requestId, context: text, key: owner };
        const key = header('idempotency-key');
        if (key !== undefined) {
          const claim = await options.idempotency.claim({
            ...{ key, route: 'POST /zeroia/decisions', body, client: caller.id, requestId },
            ...{ texts: owner === null ? {} : { key: owner }, stream: series, interrupted: 'refuse' },
          });
          const { answer, recorded } = await decideOnce(decider, claim, {
            ...{ input: inputOf(body, text), about, level: asked, waitMs },
            count: options.count,
          });
          const replayed: Record<string, string> =
            claim.state === 'answered' ? { 'idempotency-replayed': 'true' } : {};
          return jsonText(answer, recordedStatus(recorded, asked), replayed);
        }
        const encoded = await decider.score(inputOf(body, text), series);
        const recorded = await decider.recordAt(encoded, about, {
          level: asked,
          waitMs,
          onLost: (error) => options.lost(error, requestId),
        });
        options.count(encoded.decision);
        return jsonText(answerJson(encoded, recorded), recordedStatus(recorded.recorded, asked));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/zeroia/status',
      role: 'operator',
      scope: 'read',
      tag: 'zeroia',
      summary: "The device's last decision and why, the level in force, and how many decisions were made",
      errors: 'problem',
      responses: { 200: { description: 'Status', schema: z.record(z.string(), z.unknown()) } },
      handler: () => json(options.status()),
    }),
  ];
}
