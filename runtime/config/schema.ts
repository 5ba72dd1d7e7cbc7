import { z } from 'zod';
import { levels } from '../contracts/device.js';
import { guardActions, guardLevels, personalKinds } from '../contracts/guard.js';
import { scopes } from '../contracts/http.js';
import { engineNames } from '../contracts/prompt.js';
import { toolGrants } from '../contracts/tools.js';
import { isHostEntry } from '../outgoing/hosts.js';

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
  loopback_role: z
    .enum(['none', 'user', 'operator'])
    .default('operator')
    .describe(
      'Role of whoever calls from this device without a key, narrowed to loopback_scopes. none asks for a key here too.',
    ),
  loopback_scopes: z
    .array(z.enum(scopes))
    .default(['chat', 'embeddings', 'guard', 'decisions', 'read'])
    .describe(
      'What a caller from this device may do without a key, of what its role may: by default it reads as an operator does and changes nothing.',
    ),
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
  login_ms: milliseconds(43_200_000, 60_000, 2_592_000_000).describe(
    'How long somebody who signed in with a password stays so.',
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

const idempotency = section({
  keys_max: count(10_000, 1, 1_000_000).describe(
    'Requests with an Idempotency-Key that are remembered; beyond it the oldest is forgotten. About 300 bytes each in memory.',
  ),
  keep_ms: milliseconds(86_400_000, 1000, 604_800_000).describe(
    'How long they are remembered; what they gave is kept with the texts of the ledger.',
  ),
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

const sandbox = section({
  require: z
    .enum(['strict', 'seatbelt', 'process'])
    .default('process')
    .describe(
      'Weakest level of isolation that will do; where the host has less, the server does not start. strict needs Linux with bubblewrap, seatbelt is for macOS.',
    ),
  probe: z
    .boolean()
    .default(true)
    .describe(
      'Try to escape from a worker at the start, once for each kernel, level and version; the attempts are recorded and shown in /status.',
    ),
  workers: count(3, 1, 64).describe(
    'Warm worker processes; each runs one prompt at a time and takes about 45 MB. On Node 22 and later one more stands ready.',
  ),
  memory_bytes: bytes(268_435_456, 100_663_296, 8_589_934_592).describe(
    'Resident memory above which a worker is killed and replaced.',
  ),
  cpu_seconds: count(300, 10, 1_000_000).describe(
    'Processor time after which a worker is killed; between two prompts it is replaced after half of it.',
  ),
  prompts_max: count(200, 1, 1_000_000).describe(
    'Prompts after which a worker is replaced by a fresh process; on Node 22 and later that is after each.',
  ),
  fresh: z
    .enum(['never', 'untrusted', 'always'])
    .default('never')
    .describe(
      'Which prompts get a worker process of their own, used by nobody before or after: untrusted are those of callers without a key. On Node 22 and later all do.',
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
  place_ms: milliseconds(2000, 100, 3_600_000).describe(
    'How often a stream of server-sent events that waits for a slot is told its place, in a comment. Once it was, an error comes as a frame.',
  ),
  sessions_max: count(256, 1, 100_000).describe(
    'Conversations kept in memory; beyond it the one unused for longest is forgotten.',
  ),
  session_messages_max: count(20, 2, 1000).describe(
    'Messages of a conversation that are sent along; older ones are left out.',
  ),
});

const hostEntry = z
  .string()
  .refine(isHostEntry, 'must be a host, or host:port, such as api.example.org or 192.168.1.5:8123');

const tools = section({
  granted: z
    .array(z.enum(toolGrants))
    .default(['clock', 'calculator'])
    .describe(
      'What a request to /chat may grant to code that its model asks for; a request that names nothing grants nothing. docs/tools.md says what each gives.',
    ),
  rounds_max: count(4, 1, 16).describe(
    'How often a model may ask for tools before it must answer; each time is one more prompt to the engine.',
  ),
  script_ms: milliseconds(10_000, 100, 120_000).describe(
    'Code that a model asked for must be done by then, its calls and the start of its process included.',
  ),
  fuel: count(1000, 1, 1_000_000).describe(
    'Work that it may do: one unit is about 10,000 calls and turns of loops, a millisecond or so.',
  ),
  script_memory_bytes: bytes(50_331_648, 16_777_216, 134_217_728).describe(
    'Memory of its interpreter, some 1 MB of it for the interpreter itself. sandbox.memory_bytes bounds the process.',
  ),
  calls_max: count(8, 0, 100).describe('Searches and requests that it may make.'),
  output_chars_max: count(8000, 100, 50_000).describe(
    'Longest result, and longest print, that goes back to the model; the rest is cut.',
  ),
  http_hosts: z
    .array(hostEntry)
    .default([])
    .describe(
      'Hosts that it may ask, with "http" granted. A name that leads to an address of this device or network is refused unless that address is listed too.',
    ),
  http_bytes_max: bytes(262_144, 1024, 1_048_576).describe('Longest body that it is given.'),
  http_ms: milliseconds(5000, 100, 60_000).describe('Longest time for one request, with all of it.'),
});

const mcpServer = z.strictObject({
  command: z.string().min(1).max(4096),
  args: z.array(z.string().max(4096)).max(100).default([]),
  folders: z
    .array(z.string().regex(/^\/[^\0]*$/, 'must be an absolute path, with :rw behind it where it may write'))
    .max(32)
    .default([]),
  env: z
    .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable'))
    .max(64)
    .default([]),
  hosts: z.array(hostEntry).max(64).default([]),
  start_ms: milliseconds(20_000, 100, 120_000),
  call_ms: milliseconds(30_000, 100, 600_000),
  memory_bytes: bytes(536_870_912, 33_554_432, 34_359_738_368),
  line_bytes_max: bytes(1_048_576, 1024, 16_777_216),
});

const mcp = section({
  servers: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/), mcpServer)
    .default({})
    .describe(
      'MCP servers whose tools a request to /chat may grant as "mcp:NAME". Each runs in a sandbox of its own with nothing but what its table lists: command, args, folders (read-only, or "PATH:rw"), env (names of variables), hosts. docs/tools.md says what is held at which level.',
    ),
});

const guard = section({
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

const witness = section({
  logs: z
    .array(z.string().min(1).max(500))
    .max(64)
    .default([])
    .describe(
      'Logs whose checkpoints this device cosigns, by their verifier keys, as "arkalia keys show-verifier" prints them there. None: it is no witness.',
    ),
  ask: z
    .array(z.string().min(1).max(2000))
    .max(16)
    .default([])
    .describe(
      'Witnesses that are asked to cosign our own checkpoints, each as "KEY ADDRESS": what "arkalia keys show-witness" prints there, and where it is reached, such as http://192.168.1.20:8000/ledger/witness.',
    ),
  interval_ms: milliseconds(60_000, 1000).describe(
    'Time between two rounds of asking. A checkpoint that a witness has cosigned is not shown to it again.',
  ),
  requests_per_minute: count(60, 1, 100_000).describe(
    'Checkpoints that a client may show, and that a log may have cosigned. Each one cosigned costs two syncs of the disk.',
  ),
});

const ledger = section({
  queue_max: count(20_000, 16, 10_000_000).describe(
    'Events that may wait for the disk; beyond it callers get 503 with Retry-After. About 1 KB each.',
  ),
  batch_max: count(1024, 1, 65_536).describe('Events in one transaction, so in one sync of the disk.'),
  size_limit_bytes: bytes(500_000_000, 50_000_000, 1_000_000_000_000).describe(
    'What the ledger may take on the disk: entries, texts, indexes, hashes and write-ahead log together. The oldest events are pruned to stay below; 500 MB hold some 380,000 decisions.',
  ),
  age_max_days: count(0, 0, 36_500).describe(
    'Events older than so many days are pruned as more arrive, in whole bundles of 256; 0: none is for its age. Counts only while the wall clock can be believed.',
  ),
  witness,
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
  forecast: section({
    horizon_ms: milliseconds(120_000, 10_000, 3_600_000).describe(
      'How far temperature and memory are forecast. A limit that is expected within it lowers the load ahead of time (zeroia.forecasts).',
    ),
    disk_horizon_ms: milliseconds(900_000, 10_000, 86_400_000).describe('The same for the disk.'),
    temperature_c: z
      .number()
      .min(40)
      .max(150)
      .default(80)
      .describe(
        'The limit that is looked out for: from here on a Raspberry Pi 4 or 5 throttles its processor.',
      ),
    ram: z.number().min(50).max(101).default(95).describe('The same for memory in use, percent; 101: never.'),
    disk: z.number().min(50).max(101).default(98).describe('The same for the disk; 101: never.'),
  }),
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
  forecasts: z
    .boolean()
    .default(true)
    .describe(
      'Whether a forecast limit of reflexia.forecast asks for the level of reduce_load before it is reached. A forecaster that has been wrong is not listened to.',
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

const nyxalia = section({
  sockets_max: count(128, 1, 10_000).describe(
    'Open WebSockets at /ws; more are answered 429. A slow one may hold some 300 KB.',
  ),
});

/** Measured health alone goes to survival, so no decision does. */
const decisionLevel = (fallback: 'normal' | 'light' | 'moderate' | 'heavy' | 'emergency') =>
  z.enum(levels).exclude(['survival']).default(fallback);

const cooldown = (fallback: number) => milliseconds(fallback, 0, 3_600_000);

const degradation = section({
  levels: section({
    normal: decisionLevel('normal').describe('Level while the decision on the device is normal.'),
    monitor: decisionLevel('light').describe('Level while it is monitor.'),
    reduce_load: decisionLevel('moderate').describe('Level while it is reduce_load.'),
    reduce_load_persists: decisionLevel('heavy').describe(
      'Level once it has been reduce_load for persist_ms.',
    ),
    emergency_shutdown: decisionLevel('emergency').describe('Level while it is emergency_shutdown.'),
  }),
  persist_ms: milliseconds(120_000, 0, 3_600_000).describe(
    'After this long without anything milder than reduce_load, reduce_load_persists applies.',
  ),
  cooldown: section({
    light_ms: cooldown(30_000).describe(
      'Time without a decision for this level or a worse one, after which it steps down to normal.',
    ),
    moderate_ms: cooldown(30_000).describe('The same, from moderate to light.'),
    heavy_ms: cooldown(60_000).describe('The same, from heavy to moderate.'),
    emergency_ms: cooldown(60_000).describe('The same, from emergency to heavy.'),
    survival_ms: cooldown(120_000).describe('The same, from survival to emergency.'),
  }),
  survival: section({
    temperature_c: z
      .number()
      .min(40)
      .max(150)
      .default(88)
      .describe('From this temperature on only the ledger and health are served, whatever is decided.'),
    ram: z.number().min(50).max(101).default(98).describe('The same for memory in use, percent; 101: never.'),
    disk: z.number().min(50).max(101).default(99.5).describe('The same for the disk; 101: never.'),
    samples: count(3, 1, 1000).describe(
      'Samples in a row that must be beyond, so that one alone does nothing.',
    ),
  }),
});

const recovery = section({
  look_ms: milliseconds(5000, 100, 3_600_000).describe(
    'Time between two looks of the checks that mend what fails.',
  ),
  backoff_ms: milliseconds(1000, 1).describe(
    'Wait between two attempts at one fault: a random time up to this, doubled with each attempt.',
  ),
  backoff_max_ms: milliseconds(60_000, 1).describe('Longest such wait.'),
  rollback: z
    .boolean()
    .default(true)
    .describe(
      'Whether a changed configuration that does not start, or makes health worse during its probation, is undone: the last good one is in force then, and an incident says so. The same for what modules have learned.',
    ),
  probation_ms: milliseconds(600_000, 1000).describe(
    'How long a changed configuration, or what a module has learned, is on probation; an incident or an end of the process within it undoes it.',
  ),
  restart_process: z
    .boolean()
    .default(false)
    .describe(
      'Whether the process ends itself when only that can help, such as a ledger that has failed. Set it where something starts it again: systemd, a container.',
    ),
});

const modules = section({
  enabled: z
    .array(z.string().min(1))
    .default(['zeroia', 'reflexia', 'sandozia', 'assistantia', 'nyxalia', 'helloria'])
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
  idempotency,
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
