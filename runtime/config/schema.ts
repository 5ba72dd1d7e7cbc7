import { z } from 'zod';
import { breaker, core } from './sections/core.js';
import { reflexia, sandozia, watchdog, zeroia } from './sections/device.js';
import { http, idempotency, limits, log, modules, nyxalia } from './sections/door.js';
import { engines } from './sections/engines.js';
import { guard } from './sections/guard.js';
import { degradation, recovery } from './sections/healing.js';
import { ledger } from './sections/ledger.js';
import { assistantia, mcp, models, sandbox, tools } from './sections/prompts.js';

/** Every key of arkalia.toml: type, bounds, default, and what it means. */
export const configSchema = z.strictObject({
  data_dir: z
    .string()
    .min(1)
    .default('./data')
    .describe('Folder of the ledger, the keys and the lock. One process owns it.'),
  models_dir: z.string().min(1).default('./models').describe('Folder where *.gguf files are looked for.'),
  api_key_file: z
    .string()
    .optional()
    .describe("File with an administrator's key in plain text, for containers: it is registered at start."),
  http,
  log,
  limits,
  idempotency,
  core,
  breaker,
  engines,
  models,
  aliases: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/), z.array(z.string().min(1)).min(1))
    .default({})
    .describe(
      'Model names of your own, each with the chain it stands for: "engine" or "engine/model", tried in order.',
    ),
  sandbox,
  assistantia,
  tools,
  mcp,
  guard,
  ledger,
  reflexia,
  sandozia,
  watchdog,
  zeroia,
  nyxalia,
  degradation,
  recovery,
  modules,
});

export type Config = z.infer<typeof configSchema>;
