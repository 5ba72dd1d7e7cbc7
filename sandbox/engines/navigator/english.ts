import type { FactReader } from './reader.js';
import { listed, part, sentences, type Wording } from './wording.js';

const canAnswer =
  'I can tell about this device and this software: status, last decisions and why, temperature, memory, processor and load, disk, events, configuration, engines and models, breakers, sandbox, guard, version and uptime, and what the documentation says.';

const unreadable = (what: string): string => `${what} is not readable on this device.`;

/** Sentences on a sample, or that there is none. */
function sampled(facts: FactReader, ...lines: string[]): string[] {
  const age = facts.duration('age_ms', 'd');
  return age === undefined
    ? ['There is no sample of the device yet.']
    : facts.hasBeside('age_ms')
      ? [...lines, `Measured ${age} ago.`]
      : lines;
}

const percent = (facts: FactReader, name: string) => facts.number(name, '%');

const decision = (facts: FactReader): string[] => {
  if (!facts.has('index')) return ["No decision on this device's own samples is recorded yet."];
  const inputs = listed(
    part(percent(facts, 'cpu'), (figure) => `cpu ${figure}`),
    part(percent(facts, 'ram'), (figure) => `memory ${figure}`),
    part(percent(facts, 'disk'), (figure) => `disk ${figure}`),
    part(facts.number('temperature_c', ' °C'), (figure) => `temperature ${figure}`),
    part(facts.text('severity'), (word) => `severity ${word}`),
  );
  const head = listed(
    `Decision in event ${facts.text('index')}${part(facts.time('time'), (time) => ` at ${time}`) ?? ''}: ${facts.text('decision') ?? 'not told'}`,
    part(facts.number('confidence', '', 2), (figure) => `confidence ${figure}`),
  );
  return sentences(
    `${head}; ${part(facts.text('reasons'), (ids) => `because of ${ids}`) ?? 'no rule asked for more'}.`,
    inputs === '' ? undefined : `It was made from ${inputs}.`,
    part(facts.text('left_out'), (names) => `Left out, because their input is absent: ${names}.`),
  );
};

const engine = (facts: FactReader): string[] => {
  const head = listed(
    `Engine ${facts.text('name') ?? 'without a name'}: ${facts.text('state') ?? 'state not told'}`,
    part(facts.text('where'), (where) => `at ${where}`),
    part(facts.text('model_names'), (names) => `${facts.text('models') ?? ''} model(s): ${names}`),
    part(facts.text('default_model'), (model) => `${model} unless another is asked for`),
  );
  return sentences(
    `${head}.`,
    part(facts.text('problem'), (problem) => `Why: ${problem}`),
  );
};

const breaker = (facts: FactReader): string[] => {
  if (!facts.has('name')) return ['There is no breaker yet: each is made when its engine is first used.'];
  const head = listed(
    `Breaker ${facts.text('name')}: ${facts.text('state') ?? 'state not told'}`,
    part(
      facts.text('failures'),
      (failures) => `${failures} failed of ${facts.text('calls') ?? '?'} recent calls`,
    ),
    part(facts.text('openings'), (count) => `opened ${count} time(s) since start`),
    part(facts.duration('retry_after_ms', 'd'), (time) => `next probe in ${time}`),
  );
  return [`${head}.`];
};

const config = (facts: FactReader): string[] => {
  const key = facts.text('key');
  if (facts.has('more')) return [`${facts.text('more')} more keys fit; \`arkalia config\` prints all.`];
  if (key === undefined) return ['Name a key, such as reflexia.interval_ms; `arkalia config` prints all.'];
  if (facts.flag('hidden')) return [`${key} is set or not, but its value is not shown here.`];
  return [
    part(facts.text('value'), (value) => `${key} = ${value}`) ??
      `${key} is not set, or there is no such key.`,
  ];
};

export const english: Wording = {
  topics: {
    greeting: () => ['Hello. Ask me about this device or this software.'],
    identity: (facts) =>
      sentences(
        'I am the assistant of Arkalia-LUNA, an appliance that stands in front of a local language model and watches its own device.',
        part(facts.text('version'), (version) => `This is version ${version}.`),
      ),
    help: () => [canAnswer],
    health: (facts) =>
      sentences(
        part(facts.flag('ready')?.toString(), (ready) =>
          ready === 'true' ? 'Requests are served.' : 'Requests are not served yet.',
        ) ?? 'Whether requests are served is not told.',
        part(facts.text('level'), (level) => `The degradation level is ${level}.`),
        part(facts.text('shed'), (shed) => `Shed for now: ${shed}.`),
        part(facts.text('failing'), (failing) => `Not well: ${failing}.`) ??
          part(facts.text('modules'), (count) => `All modules are well (${count}).`),
      ),
    decision,
    temperature: (facts) =>
      sampled(
        facts,
        part(facts.number('temperature_c', ' °C'), (figure) => `The processor is at ${figure}.`) ??
          unreadable('The temperature of the processor'),
        part(facts.flag('throttled')?.toString(), (throttled) =>
          throttled === 'true' ? 'It is being throttled now.' : 'It is not throttled.',
        ) ?? unreadable('Whether it is throttled'),
      ),
    memory: (facts) =>
      sampled(
        facts,
        part(percent(facts, 'ram'), (figure) => `${figure} of the memory is in use.`) ??
          unreadable('How much memory is in use'),
        part(
          facts.megabytes('process_rss_bytes', ' MB'),
          (figure) => `The server process holds ${figure}.`,
        ) ?? unreadable('What the server process holds'),
      ),
    cpu: (facts) =>
      sampled(
        facts,
        part(percent(facts, 'cpu'), (figure) => `The processor is ${figure} busy.`) ??
          unreadable('How busy the processor is'),
        part(facts.number('load_1m', '', 2), (figure) => `The load over the last minute is ${figure}.`) ??
          unreadable('The load'),
        part(
          facts.number('event_loop_delay_ms', ' ms'),
          (figure) => `The event loop was late by at most ${figure}.`,
        ) ?? unreadable('The delay of the event loop'),
      ),
    disk: (facts) =>
      sampled(
        facts,
        part(percent(facts, 'disk'), (figure) => `The file system of the data folder is ${figure} full.`) ??
          unreadable('How full the disk is'),
      ),
    engine,
    breaker,
    sandbox: (facts) =>
      sentences(
        part(
          facts.text('level'),
          (level) => `Prompts run in separate processes, isolation level ${level}.`,
        ) ?? 'The isolation level is not told.',
        part(facts.text('idle'), (idle) => `Workers: ${idle} idle, ${facts.text('busy') ?? '?'} busy.`),
        part(
          facts.text('spawned'),
          (spawned) => `Since start ${spawned} were started and ${facts.text('killed') ?? '?'} killed.`,
        ),
        part(facts.text('holds'), (holds) => `It holds: ${holds}.`),
        part(facts.text('lacks'), (lacks) => `It does not hold: ${lacks}.`),
      ),
    guard: (facts) =>
      sentences(
        part(facts.text('mode'), (mode) => `The guard is in mode ${mode}.`) ??
          'The mode of the guard is not told.',
        part(facts.text('names'), (names) => `Its ${facts.text('rules') ?? ''} rules: ${names}.`),
      ),
    config,
    ledger: (facts) =>
      sentences(
        `${listed(
          `The ledger is ${facts.text('state') ?? 'in a state not told'}`,
          part(facts.text('size'), (size) => `${size} events`),
          part(facts.megabytes('bytes', ' MB'), (size) => `${size} on disk`),
        )}.`,
        part(facts.text('problem'), (problem) => `Its problem: ${problem}`),
      ),
    event: (facts) => [
      `${listed(
        `Event ${facts.text('index') ?? 'without an index'}: ${facts.text('type') ?? 'type not told'}`,
        part(facts.text('module'), (module) => `by ${module}`),
        part(facts.time('time'), (time) => `at ${time}`),
      )}.`,
    ],
    version: (facts) =>
      sentences(
        part(facts.text('version'), (version) => `This is Arkalia-LUNA ${version}.`) ??
          'The version is not told.',
        part(facts.duration('uptime_ms', 'd'), (time) => `It has been running for ${time}.`),
        part(facts.text('node'), (node) => `It runs on ${listed(`Node ${node}`, facts.text('platform'))}.`),
      ),
    unavailable: (facts) => [
      `What was asked about ${facts.text('topic') ?? 'this'} could not be read just now.`,
    ],
  },
  emptyQuestion: 'There was no question.',
  nothingFound: ['I have no answer to that: it names nothing that I know, and I do not guess.', canAnswer],
  documentation: 'The documentation says:',
  noModel: [
    'No language model is loaded; I answer from live data and documentation only.',
    'To add one, start Ollama or the llama.cpp server on this machine, or put a GGUF file into the models folder, and restart.',
  ],
  sources: 'Sources:',
};
