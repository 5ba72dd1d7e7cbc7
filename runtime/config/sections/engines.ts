import { z } from 'zod';
import { engineNames } from '../../contracts/prompt.js';
import { bytes, count, milliseconds, section } from './parts.js';

/** An http(s) address of a model server: origin and optional base path, nothing else. */
const serverUrl = z
  .string()
  .refine(
    isServerUrl,
    'must be an http:// or https:// address without user, query or fragment, such as http://127.0.0.1:11434',
  );

function isServerUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
}

const queueMax = count(16, 0, 10_000).describe(
  'Prompts that may wait for a slot; more are refused with 503.',
);

/** For servers that do not say how much they do at once. */
const adaptiveQueue = (slots: number | 'auto') => ({
  slots: z
    .union([z.number().int().min(1).max(1024), z.literal('auto')])
    .default(slots)
    .describe(
      'Prompts that the engine works on at once. auto begins with 1 and follows the time until its answers begin, up to sandbox.workers.',
    ),
  queue_max: queueMax,
});

const remoteTimes = {
  connect_timeout_ms: milliseconds(2000, 50).describe(
    'The engine must have accepted the connection by then.',
  ),
  idle_timeout_ms: milliseconds(60_000, 50).describe(
    'Longest silence of the engine before and between pieces of its answer. A cold model load on a Pi 4 takes tens of seconds.',
  ),
};

export const engines = section({
  order: z
    .array(z.enum(engineNames))
    .default(['ollama', 'openai', 'embedded', 'navigator'])
    .describe(
      'Order in which engines are tried when a request names no model. navigator serves /chat and the model id arkalia only.',
    ),
  probe: z
    .boolean()
    .default(true)
    .describe('At start, look for Ollama on port 11434 and llama.cpp on port 8080 of this machine.'),
  ollama: section({
    url: serverUrl.optional().describe('Address of Ollama; unset: the local one, when the probe finds it.'),
    model: z
      .string()
      .optional()
      .describe('Model used when none is asked for; unset: the first that it lists.'),
    small_model: z
      .string()
      .optional()
      .describe('Model used instead from level heavy on, when none is asked for; unset: the same.'),
    ...adaptiveQueue(1),
    ...remoteTimes,
  }),
  openai: section({
    url: serverUrl
      .optional()
      .describe(
        'Address of an OpenAI-compatible server (llama.cpp, LM Studio, vLLM) up to before /v1; unset: the local llama.cpp, when the probe finds it.',
      ),
    model: z
      .string()
      .optional()
      .describe('Model used when none is asked for; unset: the first that it lists.'),
    small_model: z
      .string()
      .optional()
      .describe('Model used instead from level heavy on, when none is asked for; unset: the same.'),
    api_key_file: z.string().optional().describe('File holding the key sent to that server.'),
    ...adaptiveQueue('auto'),
    ...remoteTimes,
  }),
  embedded: section({
    model_file: z
      .string()
      .optional()
      .describe(
        'GGUF file run inside the appliance; unset: the only *.gguf in models/, when there is exactly one.',
      ),
    threads: count(2, 1, 64).describe(
      'Threads for inference; more than the cores makes it many times slower.',
    ),
    context_tokens: count(2048, 128, 131_072).describe(
      'Context window of each sequence; costs memory in proportion. Never more than the model was trained for.',
    ),
    memory_bytes: bytes(4_294_967_296, 67_108_864, 137_438_953_472).describe(
      'Memory above which the process of the model is killed and replaced.',
    ),
    idle_timeout_ms: milliseconds(120_000, 50).describe(
      'Longest silence of the model before and between pieces of its answer.',
    ),
    sequences: count(1, 1, 16).describe(
      'Prompts that the model works on at once, in one load; each has context_tokens of its own, which costs memory.',
    ),
    keep_alive_ms: milliseconds(1_800_000, 0).describe(
      'How long the model stays in memory when nobody asks it; the next prompt loads it again. 0: for ever.',
    ),
    unload_ram: z
      .number()
      .min(10)
      .max(100)
      .default(90)
      .describe(
        'Percent of memory in use from which the model leaves it when nobody has asked for a minute; the next prompt loads it again. 100: never.',
      ),
    queue_max: queueMax,
  }),
  navigator: section({
    slots: count(2, 1, 1024).describe('Prompts that the engine works on at once.'),
    queue_max: queueMax,
  }),
});
