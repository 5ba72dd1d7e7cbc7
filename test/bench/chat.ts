import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isInstalled } from '../../sandbox/models.js';
import { startAppliance } from '../chat/support.js';
import { ChatClient } from './chat-client.js';
import { embeddedDirectly } from './chat-embedded.js';
import { type Compared, compareJourneys, type Journeys, type Spread } from './chat-journey.js';
import { type WorkerTimes, workerTimes } from './chat-sandbox.js';
import { streamsAtOnce, workerMemory } from './chat-streams.js';

const usage = `npm run bench:chat -- [--pairs 400] [--pace-ms 5] [--pause-ms 20] [--streams 100] [--workers 64] [--level strict] [--json FILE]
What the whole journey (sandbox, guard on, durable ledger) adds to an engine, asked directly and through the appliance in turn, one answer at
a time: to the first text and to the end; of an engine that says all at once, and of one that takes its time. Asked in the same turns, the floor: a process
that passes requests and answers on as they are and commits a row as large as an event before the end; what it adds is the machine's part.
Then what a worker costs, and streams that are open at once.
  --pairs    pairs of answers, 20 to 10000
  --pace-ms  what the slower engine takes for each of 24 pieces, 1 to 1000; it is asked half as many pairs
  --pause-ms between two requests, 0 to 10000; with 0 what is done behind an answer falls into the next
  --streams  streams at once, 1 to 1000
  --workers  workers for them, 1 to 64: so many speak at once, the others wait
  --level    the sandbox that must hold: strict, seatbelt or process
  --json     writes the figures to a file`;

const { values: flags } = parseArgs({
  options: {
    pairs: { type: 'string', default: '400' },
    'pace-ms': { type: 'string', default: '5' },
    'pause-ms': { type: 'string', default: '20' },
    streams: { type: 'string', default: '100' },
    workers: { type: 'string', default: '64' },
    level: { type: 'string', default: 'strict' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (flags.help) {
  console.log(usage);
  process.exit(0);
}

function whole(
  name: 'pairs' | 'pace-ms' | 'pause-ms' | 'streams' | 'workers',
  min: number,
  max: number,
): number {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  console.error(`--${name} must be ${min} to ${max}, not ${flags[name]}`);
  process.exit(1);
}
const pairs = whole('pairs', 20, 10_000);
const paceMs = whole('pace-ms', 1, 1000);
const pauseMs = whole('pause-ms', 0, 10_000);
const streams = whole('streams', 1, 1000);
const workers = whole('workers', 1, 64);
const { level } = flags;
if (level !== 'strict' && level !== 'seatbelt' && level !== 'process') {
  console.error(`--level must be strict, seatbelt or process, not ${level}`);
  process.exit(1);
}

/** The aim, at one answer at a time. */
const aimMs: Spread = { median: 3, p99: 15 };
const warmUp = 50;
/** What the leaf of an answer's event takes, beside its texts. */
const leafBytes = 550;
const pieces = [
  'Heat pumps move ',
  ...Array.from({ length: 22 }, (_, i) => `heat, step ${i}, `),
  'and stop.',
];
const expected = pieces.join('');
const question =
  'Explain to me how a heat pump works and what it costs in a year, with two examples. '.repeat(6);
const prompt = (index: number) => `${index}: ${question}`.slice(0, 500);

const children: ChildProcess[] = [];
/** Starts a server in a process of its own; its address. */
function started(name: 'chat-engine' | 'chat-floor', args: string[]): Promise<string> {
  const child = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), args);
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('message', (url) => resolve(url as string));
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
  });
}

/** Starts the scripted engine; its address. */
const engine = (delayMs: number) => started('chat-engine', [JSON.stringify(pieces), String(delayMs)]);

const ms = (value: number) => `${value.toFixed(2)} ms`;
const spread = ({ median, p99 }: Spread) => `median ${ms(median)}, p99 ${ms(p99)}`;

function show(name: string, { direct, journey, added, floor }: Compared): void {
  const met = added.median <= aimMs.median && added.p99 <= aimMs.p99;
  console.log(
    `${name}: adds ${spread(added)} (${met ? 'within' : 'NOT within'} ${aimMs.median} and ${aimMs.p99} ms)`,
  );
  console.log(`  directly ${spread(direct)}; through the appliance ${spread(journey)}`);
  if (floor === undefined) return;
  console.log(`  the floor adds ${spread(floor.added)}; the appliance over the floor ${spread(floor.over)}`);
}

const model = fileURLToPath(new URL('../../../test/fixtures/models/tiny-chat.gguf', import.meta.url));
const common = { ARKALIA_SANDBOX_REQUIRE: level, ARKALIA_LOG_LEVEL: 'error' };

/** The scripted server, which takes `delayMs` for each piece, directly, through the floor and through the appliance. */
async function scripted(
  delayMs: number,
  pairs: number,
): Promise<{ journeys: Journeys; memory: ReturnType<typeof workerMemory> }> {
  const url = await engine(delayMs);
  const rowBytes = leafBytes + prompt(0).length + expected.length;
  const floorUrl = await started('chat-floor', [url, String(rowBytes)]);
  const appliance = await startAppliance({
    ...common,
    ARKALIA_ENGINES_ORDER: 'openai',
    ARKALIA_ENGINES_OPENAI_URL: url,
  });
  const direct = new ChatClient(url, 'scripted-model');
  const floor = new ChatClient(floorUrl, 'scripted-model');
  const journey = new ChatClient(appliance.url, 'scripted-model');
  try {
    const asked = { direct, floor, journey };
    const journeys = await compareJourneys(asked, { pairs, warmUp, pauseMs, prompt, expected });
    return { journeys, memory: workerMemory(appliance) };
  } finally {
    direct.close();
    floor.close();
    journey.close();
    await appliance.close();
  }
}

/** The tiny model in the process of the benchmark, and through the appliance; null where its package is not installed. */
async function embedded(): Promise<Journeys | null> {
  if (!isInstalled('node-llama-cpp')) return null;
  const settings = { threads: 1, contextTokens: 256 };
  const appliance = await startAppliance({
    ...common,
    ARKALIA_ENGINES_ORDER: 'embedded',
    ARKALIA_ENGINES_EMBEDDED_MODEL_FILE: model,
    ARKALIA_ENGINES_EMBEDDED_THREADS: String(settings.threads),
    ARKALIA_ENGINES_EMBEDDED_CONTEXT_TOKENS: String(settings.contextTokens),
  });
  const journey = new ChatClient(appliance.url, 'tiny-chat');
  try {
    const direct = await embeddedDirectly(model, settings);
    const few = Math.min(pairs, 100);
    return await compareJourneys(
      { direct, journey },
      { pairs: few, warmUp: 10, pauseMs, prompt: () => 'What is the capital of Japan?' },
    );
  } finally {
    journey.close();
    await appliance.close();
  }
}

async function manyStreams(): Promise<Awaited<ReturnType<typeof streamsAtOnce>>> {
  const appliance = await startAppliance({
    ...common,
    ARKALIA_ENGINES_ORDER: 'openai',
    ARKALIA_ENGINES_OPENAI_URL: await engine(100),
    ARKALIA_ENGINES_OPENAI_SLOTS: String(workers),
    ARKALIA_ENGINES_OPENAI_QUEUE_MAX: String(streams),
    ARKALIA_SANDBOX_WORKERS: String(workers),
  });
  const client = new ChatClient(appliance.url, 'scripted-model');
  try {
    let idle = 0;
    while (idle < workers) {
      const { sandbox } = (await appliance.json('/status')) as {
        sandbox: { workers: { idle: number } };
      };
      idle = sandbox.workers.idle;
    }
    return await streamsAtOnce(client, { streams, prompt, expected });
  } finally {
    client.close();
    await appliance.close();
  }
}

function showWorker({ level: at, startMs, cold, spare, warm }: WorkerTimes): void {
  console.log(`worker at level ${at}: the first is up after ${ms(startMs)}`);
  console.log(`  a prompt on a process made for it: ${spread(cold)}`);
  console.log(`  on a fresh process that stood ready: ${spread(spare)}; on a warm one: ${spread(warm)}`);
}

try {
  const load = loadavg()[0]!;
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, load ${load.toFixed(1)} before`,
  );
  const { journeys, memory } = await scripted(0, pairs);
  console.log(
    `${journeys.pairs} pairs, ${pauseMs} ms between requests, prompts of 500 characters, ${pieces.length} pieces, level ${level}`,
  );
  show('first text', journeys.firstText);
  show('whole answer', journeys.whole);
  const paced = (await scripted(paceMs, Math.ceil(pairs / 2))).journeys;
  console.log(`${paced.pairs} pairs of an engine that takes ${paceMs} ms for each piece`);
  show('first text', paced.firstText);
  show('whole answer', paced.whole);
  const tiny = await embedded();
  if (tiny === null) console.log('the embedded model: node-llama-cpp is not installed');
  else {
    show('first text of the embedded tiny model', tiny.firstText);
    show('whole answer of the embedded tiny model', tiny.whole);
  }
  const times = [];
  for (const at of new Set([level, 'process'] as const)) {
    const taken = await workerTimes(at);
    times.push(taken);
    showWorker(taken);
  }
  for (const { residentMiB, shareMiB } of memory)
    console.log(`memory of a worker after the pairs: ${residentMiB} MiB resident, its share ${shareMiB} MiB`);
  const many = await manyStreams();
  console.log(
    `${many.streams} streams at once, ${workers} workers: ${many.whole} whole, at most ${many.speakingAtOnce} speaking at once, first text ${spread(many.firstText)}, the last ended after ${ms(many.lastMs)}`,
  );
  for (const failure of many.failed) console.log(`  ${failure}`);
  const figures = {
    level,
    pauseMs,
    aimMs,
    load,
    scripted: journeys,
    paceMs,
    paced,
    embedded: tiny,
    workers: times,
    memory,
    streams: many,
  };
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
  if (many.whole !== many.streams) process.exitCode = 1;
} finally {
  for (const child of children) child.disconnect();
}
