import { z } from 'zod';

/** A check with its last result. */
export const checkAnswer = z.object({
  name: z.string(),
  about: z.string().describe('What must agree'),
  level: z.enum(['ok', 'info', 'warning', 'critical']).nullable().describe('Null before the first'),
  fault: z.string().nullable(),
  evidence: z.record(z.string(), z.json()),
  checked_ms: z.number().nullable().describe('Wall time in ms since 1970'),
});

/** Answer of GET /sandozia/status. */
export const statusAnswer = z.object({
  compared: z.number().describe('Comparisons since start; one after each sample of the device'),
  contradictions: z.number().describe('Contradictions told and recorded since start'),
  snapshots: z.number().describe('Snapshots recorded since start, as events `snapshot_taken`'),
  last_snapshot: z.number().nullable().describe('Index of the last one in the ledger'),
  checks: z.array(checkAnswer),
});

/** Answer of GET /sandozia/score. */
export const scoreAnswer = z.object({
  score: z.number().describe('0 to 1: the sum of value times weight'),
  parts: z.array(z.object({ name: z.string(), value: z.number(), weight: z.number(), why: z.string() })),
});
