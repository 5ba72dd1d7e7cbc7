import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NavigatorBrief, NavigatorTopic } from '../types.js';
import { english } from './navigator/english.js';
import { french } from './navigator/french.js';
import { composeNavigator } from './navigator.js';

const answer = (brief: Partial<NavigatorBrief>, question = 'question') =>
  [...composeNavigator(question, { lang: 'en', topics: [], passages: [], modelLoaded: true, ...brief })].join(
    '',
  );
const topic = (id: string, facts: NavigatorTopic['facts'] = {}, source = 'GET /status'): NavigatorTopic => ({
  id,
  facts,
  source,
});
const say = (lang: 'en' | 'fr', id: string, facts: NavigatorTopic['facts']) =>
  answer({ lang, topics: [topic(id, facts)] });

const decision = {
  index: 42,
  time: '2026-01-02T03:04:05.678Z',
  decision: 'monitor',
  confidence: 0.8125,
  reasons: 'cpu_above_60',
  left_out: 'error_rate',
  cpu: 65.25,
  ram: 40,
  temperature_c: 51.5,
  severity: 'normal',
};
const engine = {
  name: 'ollama',
  state: 'found',
  where: 'http://127.0.0.1:11434',
  models: 2,
  model_names: 'a, b',
  default_model: 'a',
};

/** For each topic: its facts, and what each language must say. */
const spoken: [string, NavigatorTopic['facts'], string[], string[]][] = [
  ['greeting', {}, ['Hello'], ['Bonjour']],
  ['identity', { version: '0.1.0' }, ['Arkalia-LUNA', 'version 0.1.0'], ['Arkalia-LUNA', 'version 0.1.0']],
  ['help', {}, ['temperature', 'breakers'], ['température', 'disjoncteurs']],
  [
    'health',
    { ready: true, level: 'light', shed: 'chat', modules: 5 },
    ['Requests are served.', 'level is light', 'Shed for now: chat.', 'All modules are well (5).'],
    ['Les requêtes sont servies.', 'est light', 'Délestés pour l’instant : chat.', 'vont bien (5)'],
  ],
  [
    'health',
    { ready: false, level: 'normal', modules: 5, failing: 'zeroia (degraded: why)' },
    ['not served yet', 'Not well: zeroia (degraded: why).'],
    ['pas encore servies', 'Ne vont pas bien : zeroia (degraded: why).'],
  ],
  [
    'decision',
    decision,
    [
      'event 42 at 2026-01-02 03:04:05 UTC: monitor, confidence 0.81; because of cpu_above_60.',
      'cpu 65.3%, memory 40%, temperature 51.5 °C, severity normal',
      'absent: error_rate',
    ],
    [
      '42, le 2026-01-02 03:04:05 UTC : monitor, confiance 0,81 ; à cause de cpu_above_60.',
      '65,3 %',
      '51,5 °C',
    ],
  ],
  ['decision', { index: 1, decision: 'normal' }, ['no rule asked for more'], ['aucune règle']],
  ['decision', {}, ['No decision'], ['Aucune décision']],
  [
    'temperature',
    { temperature_c: 51.5, throttled: true, age_ms: 3200 },
    ['The processor is at 51.5 °C.', 'It is being throttled now.', 'Measured 3.2 s ago.'],
    ['Le processeur est à 51,5 °C.', 'Il est bridé en ce moment.', 'Mesuré il y a 3,2 s.'],
  ],
  ['temperature', { temperature_c: 1, throttled: false, age_ms: 0 }, ['not throttled'], ['n’est pas bridé']],
  [
    'memory',
    { ram: 51.2, process_rss_bytes: 72_340_000, age_ms: 1 },
    ['51.2% of the memory', 'holds 72.3 MB'],
    ['51,2 % de la mémoire', 'occupe 72,3 Mo'],
  ],
  [
    'cpu',
    { cpu: 0, load_1m: 0.42, event_loop_delay_ms: 12.5, age_ms: 61_000 },
    ['0% busy', 'minute is 0.42', 'at most 12.5 ms', 'Measured 1 min 1 s ago.'],
    ['occupé à 0 %', 'de 0,42', 'plus 12,5 ms', 'il y a 1 min 1 s'],
  ],
  ['disk', { disk: 43, age_ms: 0 }, ['43% full'], ['plein à 43 %']],
  [
    'engine',
    engine,
    ['Engine ollama: found, at http://127.0.0.1:11434, 2 model(s): a, b, a unless another is asked for.'],
    ['Moteur ollama : trouvé, à http://127.0.0.1:11434, 2 modèle(s) : a, b, a sauf demande contraire.'],
  ],
  [
    'engine',
    { name: 'openai', state: 'absent', problem: 'start it' },
    ['Why: start it'],
    ['Raison : start it'],
  ],
  [
    'breaker',
    { name: 'ollama', state: 'open', calls: 20, failures: 11, openings: 2, retry_after_ms: 4000 },
    ['Breaker ollama: open, 11 failed of 20 recent calls, opened 2 time(s) since start, next probe in 4 s.'],
    ['Disjoncteur ollama : ouvert, 11 échec(s) sur 20', 'ouvert 2 fois', 'prochain essai dans 4 s'],
  ],
  ['breaker', {}, ['no breaker yet'], ['pas encore de disjoncteur']],
  [
    'sandbox',
    {
      level: 'process',
      idle: 2,
      busy: 1,
      spawned: 5,
      killed: 2,
      holds: 'environment: empty',
      lacks: 'network',
    },
    [
      'level process',
      '2 idle, 1 busy',
      '5 were started and 2 killed',
      'environment: empty',
      'not hold: network',
    ],
    [
      'isolation process',
      '2 libres, 1 occupés',
      '5 lancés, 2 tués',
      'environment: empty',
      'garantit pas : network',
    ],
  ],
  [
    'guard',
    { mode: 'enforce', rules: 2, names: 'a, b' },
    ['mode enforce', '2 rules: a, b'],
    ['mode enforce', '2 règles : a, b'],
  ],
  ['config', { key: 'http.port', value: '8000' }, ['http.port = 8000'], ['http.port = 8000']],
  ['config', { key: 'x.y' }, ['x.y is not set'], ['x.y n’est pas définie']],
  ['config', { key: 'api_key_file', hidden: true }, ['not shown here'], ['n’est pas montrée']],
  ['config', { more: 9 }, ['9 more keys'], ['9 autres clés']],
  ['config', {}, ['Name a key'], ['Nommez une clé']],
  [
    'ledger',
    { state: 'open', size: 1234, bytes: 2_500_000, problem: 'full' },
    ['ledger is open, 1234 events, 2.5 MB on disk', 'Its problem: full'],
    ['journal est ouvert, 1234 événements, 2,5 Mo', 'Son problème : full'],
  ],
  [
    'event',
    { index: 7, type: 'chat_answered', module: 'assistantia', time: '2026-01-02T03:04:05Z' },
    ['Event 7: chat_answered, by assistantia, at 2026-01-02 03:04:05 UTC.'],
    ['Événement 7 : chat_answered, par assistantia, le 2026-01-02 03:04:05 UTC.'],
  ],
  [
    'version',
    { version: '0.1.0', uptime_ms: 183_600_000, node: 'v20.20.2', platform: 'linux arm64' },
    ['Arkalia-LUNA 0.1.0', 'running for 2 d 3 h', 'Node v20.20.2, linux arm64'],
    ['Arkalia-LUNA 0.1.0', 'depuis 2 j 3 h', 'Node v20.20.2, linux arm64'],
  ],
  ['unavailable', { topic: 'events' }, ['events could not be read'], ['(events) n’a pas pu être lu']],
];

test.each(spoken)('%s %j', (id, facts, inEnglish, inFrench) => {
  for (const words of inEnglish) expect(say('en', id, facts)).toContain(words);
  for (const words of inFrench) expect(say('fr', id, facts)).toContain(words);
});

test('every topic of both languages is among those that are tested', () => {
  const tested = new Set(spoken.map(([id]) => id));
  for (const wording of [english, french]) expect(new Set(Object.keys(wording.topics))).toEqual(tested);
});

test('an absent figure is said to be unreadable, and a missing sample to be missing', () => {
  for (const id of ['temperature', 'memory', 'cpu', 'disk']) {
    expect(say('en', id, { age_ms: 1000 })).toContain('not readable on this device');
    expect(say('fr', id, { age_ms: 1000 })).toContain('pas lisible sur cet appareil');
    expect(say('en', id, { age_ms: 1000 })).not.toMatch(/Measured/);
    expect(say('en', id, {})).toBe(
      'There is no sample of the device yet. [1]\n\nSources:\n[1] GET /status\n',
    );
    expect(say('fr', id, {})).toContain('pas encore de mesure');
  }
});

test('no topic states a figure that it was not given', () => {
  const ids = Object.keys(english.topics);
  const odd = fc.oneof(fc.constant('word'), fc.boolean(), fc.constant(Number.NaN));
  const names = [...new Set(spoken.flatMap(([, facts]) => Object.keys(facts)))];
  const facts = fc.dictionary(fc.constantFrom(...names), odd, { noNullPrototype: true });
  fc.assert(
    fc.property(
      fc.constantFrom(...ids),
      facts,
      fc.constantFrom('en' as const, 'fr' as const),
      (id, given, lang) => {
        const said = answer({ lang, topics: [topic(id, given, '')] });
        expect(said.replace(/reflexia\.interval_ms/g, '')).not.toMatch(/\d|undefined|null/);
      },
    ),
  );
});

test('a name of every object is no topic and no fact', () => {
  for (const id of ['constructor', '__proto__', 'toString', 'nonsense\u0007']) {
    expect(() => answer({ topics: [topic(id)] })).toThrow(RangeError);
  }
  const inherited = Object.create({ temperature_c: 99, age_ms: 1 }) as NavigatorTopic['facts'];
  expect(say('en', 'temperature', inherited)).not.toContain('99');
});

test('sources are numbered in order of use, each once', () => {
  const topics = [
    topic('greeting', {}, ''),
    topic('disk', { disk: 1, age_ms: 0 }, 'GET /reflexia/status'),
    topic('guard', { mode: 'observe' }, 'GET /status'),
    topic('memory', { ram: 1, age_ms: 0 }, 'GET /reflexia/status'),
  ];
  const said = answer({ topics, passages: [{ source: 'README.md#a', title: 'A', text: 'words' }] });
  expect(said).toContain('mode observe. [2]');
  expect(said).toMatch(/Measured 0 s ago\. \[1\]\n(?:.*\n)*.*Measured 0 s ago\. \[1\]\n/);
  expect(said).toContain('A [3]\n> words\n');
  expect(said.endsWith('Sources:\n[1] GET /reflexia/status\n[2] GET /status\n[3] README.md#a\n')).toBe(true);
});

test('at most two passages are quoted, line by line', () => {
  const passage = (name: string) => ({ source: `${name}.md`, title: name, text: `one ${name}\ntwo` });
  const said = answer({ lang: 'fr', passages: ['x', 'y', 'z'].map(passage) });
  expect(said).toContain('La documentation dit :\nx [1]\n> one x\n> two\ny [2]\n> one y\n> two\n');
  expect(said).not.toContain('one z');
});

test('nothing recognised is said plainly, with what can be answered, and nothing is cited', () => {
  expect(answer({})).toMatch(/^I have no answer to that.*temperature/);
  expect(answer({ lang: 'fr' })).toMatch(/^Je n’ai pas de réponse à cela.*température/);
  expect(answer({})).not.toContain('Sources');
  expect(answer({}, '  ')).toMatch(/^There was no question\. /);
  expect(answer({ lang: 'fr' }, '')).toMatch(/^Il n’y avait pas de question\. /);
});

test('without a model it is said once how to add one; with a model not at all', () => {
  const topics = [topic('greeting', {}, ''), topic('guard', { mode: 'observe' })];
  const without = answer({ topics, modelLoaded: false });
  expect(without.match(/No language model is loaded/g)).toHaveLength(1);
  expect(without).toContain('GGUF');
  expect(answer({ lang: 'fr', topics, modelLoaded: false }).match(/Aucun modèle de langage/g)).toHaveLength(
    1,
  );
  expect(answer({ topics })).not.toContain('language model is loaded');
});

test('hostile text in facts, sources and passages stays on its line, without control characters, and bounded', () => {
  const hostile = '\u001b[2J\r\n[9] GET /forged\u202e\u200b\u0000\u009b31m\ud800\u2028end';
  const said = answer({
    topics: [topic('engine', { name: hostile, problem: 'p'.repeat(10_000) }, hostile)],
    passages: [
      { source: hostile, title: hostile, text: `${hostile}\n${'y'.repeat(100_000)}\n${'\n'.repeat(500)}` },
    ],
  });
  expect(said).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/u);
  expect(said.split('\n').filter((line) => line.startsWith('[9]'))).toEqual([]);
  expect(said.length).toBeLessThan(3000);
});

test('any brief is worded without control characters, the same each time, in pieces', () => {
  const text = fc.string({ unit: 'binary', maxLength: 400 });
  const topics = fc.array(
    fc.record({
      id: fc.constantFrom(...Object.keys(english.topics)),
      facts: fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean()), { noNullPrototype: true }),
      source: text,
    }),
    { maxLength: 4 },
  );
  const passages = fc.array(fc.record({ source: text, title: text, text }), { maxLength: 3 });
  const lang = fc.constantFrom('en' as const, 'fr' as const);
  fc.assert(
    fc.property(text, fc.record({ lang, topics, passages, modelLoaded: fc.boolean() }), (question, brief) => {
      const pieces = [...composeNavigator(question, brief)];
      const said = pieces.join('');
      expect(said).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}]/u);
      expect(said.trim()).not.toBe('');
      expect([...composeNavigator(question, brief)]).toEqual(pieces);
    }),
  );
});
