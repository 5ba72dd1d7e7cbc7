import { z } from 'zod';
import { severities } from '../../runtime/contracts/decision.js';
import { recordLevels } from '../../runtime/contracts/record.js';

const recordLevel = z.enum(recordLevels);

const percent = z.number().min(0).max(100);

/** Body of POST /zeroia/decisions. */
export const decisionRequest = z.strictObject({
  cpu: percent.describe('Processor use, percent'),
  ram: percent.describe('Memory use, percent'),
  severity: z.enum(severities).describe('Severity of what is being decided about'),
  temperature_c: z.number().min(-60).max(150).optional().describe('Degrees Celsius'),
  disk: percent.optional().describe('Disk use, percent'),
  error_rate: z.number().min(0).max(1).optional().describe('Share of failed operations'),
  latency_ms: z.number().min(0).max(86_400_000).optional().describe('Response time in milliseconds'),
  context: z
    .union([z.string().max(4000), z.record(z.string().max(100), z.json())])
    .optional()
    .describe('What the decision is about, in words or as JSON. Never stored in the clear in the log'),
  stream: z
    .string()
    .regex(/^[A-Za-z0-9._:-]{1,100}$/, 'must be 1 to 100 of A-Z a-z 0-9 . _ : -')
    .optional()
    .describe("Series whose history counts; the key's id unless given"),
  record: recordLevel
    .optional()
    .describe(
      'What the answer waits for: queued (taken; no receipt), durable (on the disk; unless given), checkpointed (with a proof)',
    ),
});

/** The query may say `record` too. */
export const decisionQuery = z.strictObject({ record: recordLevel.optional() });

export type DecisionRequest = z.infer<typeof decisionRequest>;

const factor = z.object({ name: z.string(), score: z.number(), weight: z.number(), share: z.number() });

const place = { index: z.number().int(), leaf_hash: z.string() };
const receiptSchema = z.discriminatedUnion('recorded', [
  z.object({ recorded: z.literal('durable'), ...place }),
  z.object({
    recorded: z.literal('checkpointed'),
    ...place,
    proof: z.object({
      ...place,
      size: z.number().int(),
      root_hash: z.string(),
      hashes: z.array(z.string()),
      checkpoint: z.string(),
    }),
  }),
]);

/** Answer of POST /zeroia/decisions. */
export const decisionAnswer = z.object({
  id: z.string(),
  decision: z.enum(['normal', 'monitor', 'reduce_load', 'emergency_shutdown']),
  confidence: z.number(),
  factors: z.array(factor),
  absent: z.array(z.string()),
  reasons: z.array(z.string()),
  model: z.object({ core_sha256: z.string(), weights_version: z.string() }),
  recorded: recordLevel,
  receipt: receiptSchema.optional().describe('There is none while the event is only queued'),
});
