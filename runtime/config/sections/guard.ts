import { z } from 'zod';
import { guardActions, guardLevels, personalKinds } from '../../contracts/guard.js';
import { bytes, count, milliseconds, ratio, section } from './parts.js';

export const guard = section({
  mode: z
    .enum(guardActions)
    .default('enforce')
    .describe(
      'enforce refuses what the guard refuses; observe lets it pass and records it; off judges nothing. What is not enforced is recorded at the start.',
    ),
  routes: z
    .record(z.string().regex(/^\/[!-~]{0,199}$/, 'must be the path of a route'), z.enum(guardActions))
    .default({})
    .describe('Instead of guard.mode for a route, such as "/v1/chat/completions" = "observe".'),
  keys: z
    .record(z.string().regex(/^[a-z0-9]{8,32}$/, 'must be the id of a key'), z.enum(guardActions))
    .default({})
    .describe('Instead of guard.mode and guard.routes for a key, by its id.'),
  repeats_per_minute: count(60, 0, 1_000_000).describe(
    'How often a client may send the same prompt within a minute; 0: no limit.',
  ),
  level: z
    .enum(guardLevels)
    .default('medium')
    .describe(
      'How easily the classifier refuses: low, medium, high or paranoid. docs/guard-model.md says what each costs in false alarms.',
    ),
  personal_data: z
    .array(z.enum(personalKinds))
    .default([])
    .describe(
      'Personal data that an answer is cut before: email, phone, card (payment cards), iban (European accounts), nir (French social security numbers). With email each word is held until it has ended.',
    ),
  canary: z
    .boolean()
    .default(true)
    .describe(
      'Adds a line with a random word, new at each start, to the system prompt of /chat; an answer with that word is cut. Some 25 tokens.',
    ),
  weights_file: z
    .string()
    .optional()
    .describe('Weights of the classifier instead of those that ship; together with weights_sha256.'),
  weights_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
    .optional()
    .describe('SHA-256 that weights_file must have, in hex; another file stops the start.'),
  opinion_file: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A text classifier in ONNX that is asked too where the score is near its threshold; together with opinion_sha256 and opinion_tokenizer. Needs "npm install onnxruntime-node @huggingface/tokenizers". docs/guard-model.md says more.',
    ),
  opinion_sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
    .optional()
    .describe('SHA-256 that opinion_file must have, in hex; another file stops the start.'),
  opinion_tokenizer: z.string().min(1).optional().describe('The tokenizer.json that opinion_file came with.'),
  opinion_attack_index: count(1, 0, 1023).describe(
    'Which of the figures that opinion_file gives is that of attacks.',
  ),
  opinion_threshold: ratio(0.5).describe('From this probability on the second opinion refuses.'),
  opinion_band: ratio(0.15).describe(
    'The second opinion is asked where the score, 0 to 1, is no further than this from its threshold.',
  ),
  opinion_timeout_ms: milliseconds(2000, 10, 600_000).describe(
    'A second opinion must come within this time; then its process is killed, and the score alone decides.',
  ),
  opinion_memory_bytes: bytes(1_610_612_736, 134_217_728, 68_719_476_736).describe(
    'Memory of the process of the second opinion.',
  ),
  opinion_threads: count(1, 1, 64).describe('Threads of the second opinion.'),
  opinion_tokens_max: count(512, 8, 8192).describe('Most tokens of a text that the second opinion reads.'),
});
