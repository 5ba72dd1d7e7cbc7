import { z } from 'zod';
import { analysedFigures } from './analysed-figures.js';
import { decisions } from './decision.js';

const count = z.number().int().min(0);
const perDecision = z.record(z.enum(decisions), z.number());

/** Longest window: 30 days. */
export const analysedHoursMax = 720;

const against = z
  .enum(['all_hours', 'same_hour'])
  .describe('Held against all hours, or against the same hour (UTC) of the days before once there are seven');

const behaviourFinding = z.object({
  kind: z
    .enum(['anomaly', 'regression', 'pattern', 'correlation'])
    .describe(
      'anomaly: an hour of a figure unlike others; regression: answers slower than before; pattern: decisions that change otherwise; correlation: two figures that no longer go together',
    ),
  figure: z
    .string()
    .describe(
      'Such as cpu, `first_text_ms ollama`, decision_changes, `first normal>emergency_shutdown`, cpu~temperature_c',
    ),
  hour_ms: z.number().describe('The hour, or the last of those that it was found in'),
  against,
  numbers: z
    .record(z.string(), z.number())
    .describe(
      'What was found (value), what it usually is (median, mad), and how many robust deviations it lies off (score)',
    ),
});
export type BehaviourFinding = z.infer<typeof behaviourFinding>;

/** Answer of GET /ledger/analytics. Hours are whole hours of wall time; only those in which something was recorded count. */
export const analyticsAnswer = z.object({
  size: count.describe('Events that were looked at, from the first that is stored'),
  from_ms: z.number().nullable(),
  to_ms: z.number().nullable(),
  hours: count.describe('Hours of the window in which something was recorded'),
  types: z.record(z.string(), z.object({ count, per_hour: z.number() })),
  standing: z
    .object({
      level: z.string(),
      breakers: z.record(z.string(), z.string()),
      types: z.record(z.string(), count),
    })
    .describe('Where things stand by the whole log alone: level, state of each breaker, events by type'),
  decisions: z.object({
    counts: perDecision,
    share: perDecision.describe('0 to 1'),
    time_ms: perDecision.describe("In the device's own stream: time until the next decision"),
    transitions: z
      .record(z.enum(decisions), perDecision)
      .describe('From a decision to the next of the same stream'),
  }),
  baseline: z.object({
    state: z.enum(['learning', 'learned']),
    hours: count.describe('Hours before the window that it is learned from'),
    hours_needed: count,
    figures: z.partialRecord(
      z.enum(analysedFigures),
      z.object({ median: z.number(), mad: z.number().describe('Median absolute deviation') }),
    ),
  }),
  anomalies: z.array(
    z.object({
      hour_ms: z.number(),
      figure: z.enum(analysedFigures),
      value: z.number(),
      median: z.number(),
      against,
      score: z.number().describe('Robust deviations above the median; 3.5 or more is an anomaly'),
    }),
  ),
  behaviour: z
    .array(behaviourFinding)
    .describe('What the appliance did otherwise than it used to, each with its numbers; the last 100'),
});

export type LedgerAnalytics = z.infer<typeof analyticsAnswer>;
