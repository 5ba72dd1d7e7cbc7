import { z } from 'zod';
import { powerSources } from '../../runtime/contracts/device.js';
import { checkKinds } from './checks/check.js';

/** A check with its last result. */
export const checkAnswer = z.object({
  name: z.string(),
  kind: z.enum(checkKinds),
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
  quarantined: z
    .array(
      z.object({
        module: z.string(),
        check: z.string().describe('The check that found its account wrong'),
        fault: z.string(),
        since_ms: z.number().describe('Wall time in ms since 1970'),
        duration_ms: z.number().describe('After it the module is released, if its account agrees'),
        retries: z.number().describe('How often it was prolonged because it did not'),
      }),
    )
    .describe('Modules whose account is not acted on'),
  checks: z.array(checkAnswer),
});

/** Answer of GET /sandozia/score. */
export const scoreAnswer = z.object({
  score: z.number().describe('0 to 1: the sum of value times weight'),
  parts: z.array(z.object({ name: z.string(), value: z.number(), weight: z.number(), why: z.string() })),
});

const energyWindow = z.object({
  covers_ms: z.number().describe('How much of the window is known: less than it after a start'),
  joules: z.number(),
  mean_watts: z.number(),
  prompt_joules: z
    .number()
    .describe('Of it while at least one prompt ran: the whole device, not only what the prompt added'),
  requests: z.number().int().describe('Prompts that were answered'),
  tokens: z.number().int().describe('Tokens of their answers, where engines tell'),
  joules_per_request: z.number().optional(),
  joules_per_token: z.number().optional(),
});

/** Answer of GET /sandozia/energy. */
export const energyAnswer = z.object({
  power: z
    .object({
      watts: z.number(),
      source: z.enum(powerSources),
      estimated: z.boolean().describe('Whether it is reckoned and not measured'),
      instead_of: z.string().optional().describe('Better sources of this device, and why they did not tell'),
    })
    .optional()
    .describe('Now; absent where it is not known'),
  last_hour: energyWindow.optional(),
  last_day: energyWindow.optional(),
});
