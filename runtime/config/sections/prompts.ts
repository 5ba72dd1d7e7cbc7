import { z } from 'zod';
import { toolGrants } from '../../contracts/tools.js';
import { isHostEntry } from '../../outgoing/hosts.js';
import { bytes, count, milliseconds, section } from './parts.js';

export const sandbox = section({
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

export const assistantia = section({
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

export const tools = section({
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

export const models = section({
  pull_hosts: z
    .array(hostEntry)
    .default([])
    .describe(
      'Beside the host that an administrator names for a model to be fetched: hosts to which that one may redirect, and addresses of this device or network, which are refused unless listed.',
    ),
  pull_ms: milliseconds(43_200_000, 1000, 604_800_000).describe(
    'Longest time for one fetch of a model; what came by then stays, and another goes on from there.',
  ),
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

export const mcp = section({
  servers: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/), mcpServer)
    .default({})
    .describe(
      'MCP servers whose tools a request to /chat may grant as "mcp:NAME". Each runs in a sandbox of its own with nothing but what its table lists: command, args, folders (read-only, or "PATH:rw"), env (names of variables), hosts. docs/tools.md says what is held at which level.',
    ),
});
