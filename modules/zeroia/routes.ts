import { z } from 'zod';
import type { Decision, ScoreInput } from '../../runtime/contracts/decision.js';
import { defineRoute, json, jsonText, type RouteDefinition } from '../../runtime/contracts/http.js';
import type { Decider } from './decider.js';
import { answerJson } from './encode.js';
import { contextRelevance } from './relevance.js';
import { type DecisionRequest, decisionAnswer, decisionRequest } from './schema.js';

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

export function zeroiaRoutes(
  decider: Decider,
  options: { count(decision: Decision): void; status(): Record<string, unknown> },
): RouteDefinition[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/zeroia/decisions',
      role: 'user',
      tag: 'zeroia',
      summary:
        'Decides on measurements of yours. Advice: it changes nothing on this device, and is durable before it is answered',
      errors: 'problem',
      body: decisionRequest,
      responses: { 200: { description: 'The decision and its receipt', schema: decisionAnswer } },
      handler: async ({ body, caller, requestId }) => {
        const text = contextText(body.context);
        const stream = body.stream ?? caller.keyId ?? caller.id;
        const series = `posted:${stream}`;
        const encoded = await decider.score(inputOf(body, text), series);
        const receipt = await decider.record(encoded, {
          stream: series,
          correlationId: requestId,
          context: text,
          key: caller.keyId,
        });
        options.count(encoded.decision);
        return jsonText(answerJson(encoded, receipt));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/zeroia/status',
      role: 'user',
      tag: 'zeroia',
      summary: "The device's last decision and why, the level in force, and how many decisions were made",
      errors: 'problem',
      responses: { 200: { description: 'Status', schema: z.record(z.string(), z.unknown()) } },
      handler: () => json(options.status()),
    }),
  ];
}
