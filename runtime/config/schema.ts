import { z } from 'zod';
import { engineNames } from '../contracts/prompt.js';

const milliseconds = (fallback: number, min = 1, max = 86_400_000) =>
  z.number().int().min(min).max(max).default(fallback);
const count = (fallback: number, min: number, max: number) =>
  z.number().int().min(min).max(max).default(fallback);
const bytes = (fallback: number, min: number, max: number) =>
  z.number().int().min(min).max(max).default(fallback);
const ratio = (fallback: number) => z.number().min(0).max(1).default(fallback);

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

const section = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never);

const http = section({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe(
      'Address to listen on. Anything beyond loopback needs a key: without one the server starts in setup mode.',
    ),
  port: z.number().int().min(0).max(65_535).default(8000).describe('TCP port; 0 takes a free one.'),
  allowed_hosts: z
    .array(z.string().min(1))
    .default([])
    .describe("Host names answered to, besides loopback names and this device's own addresses."),
  cors_origins: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Foreign web origins that may call the API, such as https://home.example. Each one may act with the key its page holds.',
    ),
  tls_cert_file: z
    .string()
    .optional()
    .describe('PEM certificate chain; together with tls_key_file the server speaks https only.'),
  tls_key_file: z.string().optional().describe('PEM private key.'),
  body_limit_bytes: bytes(1_048_576, 1024, 67_108_864).describe(
    'Largest request body; a longer one is answered 413.',
  ),
  header_limit_bytes: bytes(16_384, 4096, 65_536).describe(
    'Largest sum of request headers; more is answered 431.',
  ),
  json_depth_max: count(32, 4, 256).describe('Deepest nesting of a JSON body.'),
  headers_timeout_ms: milliseconds(10_000, 1000).describe('A client must have sent its headers by then.'),
  body_timeout_ms: milliseconds(30_000, 1000).describe('A client must have sent its whole request by then.'),
  keep_alive_timeout_ms: milliseconds(5000, 100).describe('How long an idle connection is kept.'),
  connections_max: count(1024, 1, 65_535).describe('Open connections; more are closed at once.'),
  shutdown_timeout_ms: milliseconds(10_000, 100, 600_000).describe(
    'On SIGTERM, what runs may finish within this time; then it is cancelled.',
  ),
});

const log = section({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe level written. Requests are logged at debug, failed ones at warn.'),
});

const limits = section({
  requests_per_second: count(20_000, 1, 10_000_000).describe(
    'Steady rate per client over all routes. The device itself is protected by its queues; this stops one client from taking everything. 8,192 clients have a bucket of their own; see core-wasm/README.md for what happens beyond.',
  ),
  requests_burst: count(40_000, 1, 10_000_000).describe(
    'Requests a client may send at once before its steady rate applies.',
  ),
  prompts_per_minute: count(120, 1, 1_000_000).describe('Steady rate of prompts per client.'),
  prompts_burst: count(30, 1, 1_000_000).describe('Prompts a client may send at once.'),
});

const core = section({
  offload: z
    .enum(['auto', 'always', 'never'])
    .default('auto')
    .describe(
      'Where a batch of decisions is scored: in the HTTP thread below the crossover measured at start and in the pool above it, always in the pool, or never.',
    ),
  threads: count(1, 1, 64).describe(
    'Threads of the pool. Each holds one WASM instance, about 8 MB resident.',
  ),
});

const breaker = section({
  window: z
    .enum(['calls', 'time'])
    .default('calls')
    .describe('What the sliding window holds: the last window_calls calls, or those of the last window_ms.'),
  window_calls: count(20, 2, 1024).describe('Calls in the sliding window, with window = "calls".'),
  window_ms: milliseconds(60_000, 100).describe('Length of the sliding window, with window = "time".'),
  window_buckets: count(10, 1, 60).describe(
    'Equal parts in which a window by time moves on: with 10, a call counts for nine to ten tenths of window_ms.',
  ),
  calls_min: count(5, 1, 1024).describe('Calls that must be in the window before the breaker may open.'),
  failure_rate: ratio(0.5).describe('Share of failed calls, 0 to 1, from which it opens.'),
  slow_call_ms: milliseconds(0, 0).describe(
    'A call without a first piece of the answer by then is slow; 0: none is. A cold model load on a Pi 4 takes tens of seconds.',
  ),
  slow_call_rate: ratio(0.8).describe('Share of slow calls, 0 to 1, from which it opens.'),
  open_ms: milliseconds(10_000, 100).describe(
    'How long it stays open at first before it lets a probe through.',
  ),
  open_ms_max: milliseconds(300_000, 100).describe('Longest time that it stays open; open_ms or more.'),
  open_growth: z
    .number()
    .min(1)
    .max(10)
    .default(2)
    .describe(
      'Factor by which the open time grows from opening to opening. Each time that it then stays closed for as long as it was open takes one growth back.',
    ),
  open_jitter: ratio(0.1).describe(
    'Share of the open time, 0 to 1, that chance may take off, so that probes of several appliances do not meet.',
  ),
  half_open_permits: count(1, 1, 64).describe('Probes that are out at once while half-open.'),
  half_open_successes: count(1, 1, 1000).describe('Successful probes after which it closes.'),
  half_open_ms: milliseconds(60_000, 100).describe(
    'When probes have been out for so long, without a moment in which none was, they count as failed.',
  ),
  tally_ms: milliseconds(60_000, 1000).describe(
    'Calls of each engine are recorded as counts (circuit_success, circuit_failure, call_blocked) this often, when there were any.',
  ),
});

const queueMax = count(16, 0, 10_000).describe(
  'Prompts that may wait for a slot; more are refused with 503.',
);

const engineQueue = (slots: number) => ({
  slots: count(slots, 1, 1024).describe('Prompts that the engine works on at once.'),
  queue_max: queueMax,
});

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

const engines = section({
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
      'Context window; costs memory in proportion. Never more than the model was trained for.',
    ),
    memory_bytes: bytes(4_294_967_296, 67_108_864, 137_438_953_472).describe(
      'Memory above which the process of the model is killed and replaced.',
    ),
    idle_timeout_ms: milliseconds(120_000, 50).describe(
      'Longest silence of the model before and between pieces of its answer.',
    ),
    ...engineQueue(1),
  }),
  navigator: section({ ...engineQueue(2) }),
});

const sandbox = section({
  workers: count(3, 1, 64).describe(
    'Warm worker processes; each runs one prompt at a time and takes about 45 MB.',
  ),
  memory_bytes: bytes(268_435_456, 100_663_296, 8_589_934_592).describe(
    'Resident memory above which a worker is killed and replaced.',
  ),
  prompts_max: count(200, 1, 1_000_000).describe(
    'Prompts after which a worker is replaced by a fresh process.',
  ),
  output_bytes_max: bytes(1_048_576, 1024, 67_108_864).describe(
    'Longest answer; a longer one is cut with an error.',
  ),
});

const assistantia = section({
  deadline_ms: milliseconds(300_000, 1000, 3_600_000).describe(
    'A prompt must have its whole answer by then, the wait for a slot included.',
  ),
  system_prompt: z
    .string()
    .max(20_000)
    .default(
      'You are the assistant of a small local appliance. Answer briefly and honestly; say so when you do not know.',
    )
    .describe('First message of every /chat; the output guard stops answers that repeat it.'),
  sessions_max: count(256, 1, 100_000).describe(
    'Conversations kept in memory; beyond it the one unused for longest is forgotten.',
  ),
  session_messages_max: count(20, 2, 1000).describe(
    'Messages of a conversation that are sent along; older ones are left out.',
  ),
});

const guard = section({
  mode: z
    .enum(['enforce', 'observe'])
    .default('enforce')
    .describe('enforce refuses what the rules refuse; observe lets it pass and records it.'),
});

const ledger = section({
  queue_max: count(20_000, 16, 10_000_000).describe(
    'Events that may wait for the disk; beyond it callers get 503 with Retry-After. About 1 KB each.',
  ),
  batch_max: count(1024, 1, 65_536).describe('Events in one transaction, so in one sync of the disk.'),
  size_limit_bytes: bytes(500_000_000, 50_000_000, 1_000_000_000_000).describe(
    'What the ledger may take on the disk: entries, texts, indexes, hashes and write-ahead log together. The oldest events are pruned to stay below; 500 MB hold some 380,000 decisions.',
  ),
});

const reflexia = section({
  interval_ms: milliseconds(5000, 200, 3_600_000).describe(
    'Time between two samples of the device. Each one costs a few milliseconds of a processor.',
  ),
  power_idle_w: z
    .number()
    .min(0)
    .max(10_000)
    .optional()
    .describe(
      'Power of this device with nothing to do, as you measured it; where the device does not tell its power, it is reckoned from this.',
    ),
  power_full_w: z.number().min(0).max(10_000).optional().describe('The same with all cores busy.'),
});

const watchdog = section({
  http_ms: milliseconds(10_000, 1000, 3_600_000).describe(
    'How long the HTTP thread may not come to its event loop; then whoever keeps the process (systemd, or serve --supervise) kills and restarts it.',
  ),
  thread_ms: milliseconds(60_000, 1000, 3_600_000).describe(
    'The same for the writer of the ledger, and for a task in a pool thread. A disk that takes longer for one commit is taken for stuck.',
  ),
  sandbox_ms: milliseconds(30_000, 10_000, 3_600_000).describe(
    'How long a sandboxed process may not answer the ping that it gets every 5 s; then it is killed and replaced. One that generates answers it.',
  ),
});

const sandozia = section({
  snapshot_ms: milliseconds(300_000, 1000).describe(
    'How all accounts stand is recorded this often, with a sample of the device; some 700 bytes each.',
  ),
});

const zeroia = section({
  act: z
    .boolean()
    .default(true)
    .describe("Whether decisions on the device's own samples change the degradation level."),
  relief_ms: milliseconds(30_000, 0, 3_600_000).describe(
    'The level steps back by one after this long without a worse decision.',
  ),
  hysteresis: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.05)
    .describe(
      "A decision on the device's own samples is kept until each figure is this share of its threshold below it.",
    ),
  cooldown_ms: milliseconds(10_000, 0).describe(
    "A decision on the device's own samples is kept this long after the figures last asked for it.",
  ),
  adapt: z
    .boolean()
    .default(true)
    .describe(
      "Whether sustained load lowers the thresholds for the device's own processor, memory and temperature. Posted measurements are never concerned.",
    ),
  adapt_step: z
    .number()
    .min(0.001)
    .max(0.5)
    .default(0.03)
    .describe('Share of its base by which a threshold moves at once. Each move is an event.'),
  adapt_lowered_max: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.15)
    .describe('Share of its base by which a threshold is lowered at most. None is ever above its base.'),
  adapt_interval_ms: milliseconds(60_000, 1000).describe('Shortest time between two moves of a threshold.'),
  record_interval_ms: milliseconds(300_000, 0, 3_600_000).describe(
    "How often the device's own decision is recorded while it stays the same; one that differs is recorded at once. 0 records each, which is about 350 MB of writes a day on an SD card.",
  ),
  streams_max: count(1024, 1, 100_000).describe(
    'Decision streams whose history is kept; beyond it the one unused for longest is forgotten. About 200 bytes each.',
  ),
});

const modules = section({
  enabled: z
    .array(z.string().min(1))
    .default(['zeroia', 'reflexia', 'sandozia', 'assistantia', 'helloria'])
    .describe(
      "Modules to run. A built-in name, or the path of a third party's module, which then runs in this process with all its rights.",
    ),
});

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
  core,
  breaker,
  engines,
  aliases: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9._-]*$/), z.array(z.string().min(1)).min(1))
    .default({})
    .describe(
      'Model names of your own, each with the chain it stands for: "engine" or "engine/model", tried in order.',
    ),
  sandbox,
  assistantia,
  guard,
  ledger,
  reflexia,
  sandozia,
  watchdog,
  zeroia,
  modules,
});

export type Config = z.infer<typeof configSchema>;
