import { z } from 'zod';
import { decisions } from './decision.js';

const count = z.number().int().min(0);
const perDecision = z.record(z.enum(decisions), z.number());

/** Longest window: 30 days. */
export const analysedHoursMax = 720;

export const figureNames = [
  'failure_rate',
  'refusals',
  'system_errors',
  'contradictions',
  'emergencies',
] as const;
export type FigureName = (typeof figureNames)[number];

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
      z.enum(figureNames),
      z.object({ median: z.number(), mad: z.number().describe('Median absolute deviation') }),
    ),
  }),
  anomalies: z.array(
    z.object({
      hour_ms: z.number(),
      figure: z.enum(figureNames),
      value: z.number(),
      median: z.number(),
      score: z.number().describe('Robust deviations above the median; 3.5 or more is an anomaly'),
    }),
  ),
});

export type LedgerAnalytics = z.infer<typeof analyticsAnswer>;
