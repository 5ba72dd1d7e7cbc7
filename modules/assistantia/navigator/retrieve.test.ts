import { expect, test } from 'vitest';
import { AppError } from '../../../runtime/contracts/errors.js';
import type { SystemStatus } from '../../../runtime/contracts/module.js';
import { createFakeContext, type FakeContextOptions } from '../../../test/support/fake-context.js';
import { createRetrieval } from './retrieve.js';

const docs = { search: () => [{ source: 'README.md#x', title: 'X', text: 'a passage' }] };

function navigator(options: FakeContextOptions = {}, sample?: Record<string, unknown>) {
  const context = createFakeContext(options);
  const status = context.status();
  const withSample = (): SystemStatus => ({
    ...status,
    modules:
      sample === undefined
        ? {}
        : { reflexia: { version: '0', priority: 'critical', state: 'ok', facts: sample } },
  });
  const brief = createRetrieval({ context: { ...context, status: withSample }, docs });
  return { context, brief };
}

test('device topics give the last sample and its age, and leave out what it lacks', async () => {
  const { context, brief } = navigator({}, { monotonic_ms: 1000, temperature_c: 51.5, cpu: 12 });
  context.clock.advance(4000);
  expect(await brief('How hot is it?')).toEqual({
    lang: 'en',
    topics: [
      {
        id: 'temperature',
        facts: { temperature_c: 51.5, age_ms: 3000 },
        source: 'GET /reflexia/status',
      },
    ],
    passages: [],
    modelLoaded: false,
  });
  const memory = await brief('la mémoire');
  expect(memory.lang).toBe('fr');
  expect(memory.topics[0]).toMatchObject({ id: 'memory', facts: { age_ms: 3000 } });
});

test('without a sample there is no figure and no age', async () => {
  const { brief } = navigator();
  expect((await brief('cpu')).topics[0]?.facts).toEqual({});
});

test('decisions are those of the device, newest first, each with its own event as source', async () => {
  const { context, brief } = navigator();
  const record = (stream: string, decision: string) =>
    context.ledger.append({
      type: 'decision_made',
      module: 'zeroia',
      stream,
      data: { decision, confidence: 0.8, reasons: ['cpu_above_60'], absent: [], input: { cpu: 70, ram: 20 } },
    });
  await record('device', 'monitor');
  await record('posted:someone', 'emergency_shutdown');
  await record('device', 'normal');
  const { topics } = await brief('last decisions');
  expect(topics.map(({ source, facts }) => [source, facts.decision])).toEqual([
    ['ledger event 2', 'normal'],
    ['ledger event 0', 'monitor'],
  ]);
  expect(topics[1]?.facts).toEqual({
    index: 0,
    time: '2026-01-02T03:04:05.000Z',
    decision: 'monitor',
    confidence: 0.8,
    reasons: 'cpu_above_60',
    cpu: 70,
    ram: 20,
  });
});

test('an event of another shape gives the facts that it has', async () => {
  const { context, brief } = navigator();
  const odd = { decision: 7, input: 'none', reasons: 'x' };
  await context.ledger.append({ type: 'decision_made', module: 'zeroia', stream: 'device', data: odd });
  expect((await brief('decisions')).topics[0]?.facts).toEqual({
    index: 0,
    time: '2026-01-02T03:04:05.000Z',
    decision: 7,
  });
});

test('events are told by type and place, never by what they hold', async () => {
  const { context, brief } = navigator();
  await context.ledger.append({ type: 'chat_answered', module: 'assistantia', data: { engine: 'private' } });
  const { topics } = await brief('what happened?');
  expect(topics.map(({ id }) => id)).toEqual(['ledger', 'event']);
  expect(JSON.stringify(topics)).not.toContain('private');
});

test('a ledger that fails costs its own topic only', async () => {
  const { context, brief } = navigator({}, { monotonic_ms: 0, disk: 40 });
  context.ledger.failure = new AppError('ledger_unavailable', 'secret path of the disk');
  const { topics } = await brief('decisions, disk and events');
  expect(topics).toEqual([
    {
      id: 'unavailable',
      facts: { topic: 'decisions' },
      source: 'GET /ledger/events?type=decision_made',
    },
    { id: 'disk', facts: { disk: 40, age_ms: 0 }, source: 'GET /reflexia/status' },
    { id: 'unavailable', facts: { topic: 'events' }, source: 'GET /ledger/events' },
  ]);
});

test.each([
  ['What is reflexia.interval_ms?', [['reflexia.interval_ms', '5000']]],
  [
    'what is interval_ms',
    [
      ['ledger.witness.interval_ms', '60000'],
      ['reflexia.interval_ms', '5000'],
    ],
  ],
  [
    'the configuration of reflexia',
    [
      ['reflexia.interval_ms', '5000'],
      ['reflexia.cpu_window_ms', '60000'],
      ['reflexia.forecast.horizon_ms', '120000'],
      ['reflexia.forecast.disk_horizon_ms', '900000'],
      ['reflexia.forecast.temperature_c', '80'],
      ['reflexia.forecast.ram', '95'],
      // One more, which is told as a number.
      [undefined, undefined],
    ],
  ],
  ['on which port do you listen', [['http.port', '8000']]],
  [
    'http.port and http.host',
    [
      ['http.host', '127.0.0.1'],
      ['http.port', '8000'],
    ],
  ],
  ['http.cors_origins', [['http.cors_origins', '[]']]],
  ['engines.order', [['engines.order', 'ollama, openai, embedded, navigator']]],
  ['engines.ollama.url', [['engines.ollama.url', undefined]]],
  ['http.nonsense', [['http.nonsense', undefined]]],
  ['configuration', [[undefined, undefined]]],
])('%j', async (question, expected) => {
  const { topics } = await navigator().brief(question);
  const config = topics.filter(({ id }) => id === 'config');
  expect(config.map(({ facts }) => [facts.key, facts.value])).toEqual(expected);
});

test('a whole section is told in part, and how much is left', async () => {
  const { topics } = await navigator().brief('settings of http');
  expect(topics).toHaveLength(7);
  expect(topics[6]?.facts.more).toBeGreaterThan(5);
});

test('keys, their files and the system prompt are never shown', async () => {
  const config = {
    api_key_file: '/hidden/a',
    http: { tls_key_file: '/hidden/b', tls_cert_file: '/shown/c' },
    engines: { openai: { api_key_file: '/hidden/d' } },
    assistantia: { system_prompt: 'hidden words' },
  };
  const { brief } = navigator({ config });
  for (const question of [
    'api_key_file',
    'engines.openai.api_key_file',
    'http.tls_key_file',
    'assistantia.system_prompt',
    'what is the system_prompt in the configuration',
    'settings of assistantia',
    'configuration of http',
  ]) {
    expect(JSON.stringify(await brief(question))).not.toContain('hidden/');
    expect(JSON.stringify(await brief(question))).not.toContain('hidden words');
  }
  expect((await brief('assistantia.system_prompt')).topics[0]?.facts).toEqual({
    key: 'assistantia.system_prompt',
    hidden: true,
  });
  expect((await brief('limits.prompts_burst')).topics[0]?.facts.value).toBe('30');
});

test('passages come when nothing is recognised or when how-to is asked, not with plain figures', async () => {
  const { brief } = navigator();
  expect((await brief('something else')).passages).toHaveLength(1);
  expect((await brief('how do I add a model?')).passages).toHaveLength(1);
  expect((await brief('status')).passages).toHaveLength(0);
  expect((await brief('hello')).passages).toHaveLength(0);
});

test('a model counts as loaded when an engine other than navigator is found', async () => {
  const base = createFakeContext().prompts;
  const engines = (state: 'found' | 'absent') => ({
    prompts: {
      ...base,
      engines: () => [
        { name: 'navigator' as const, state: 'found' as const, models: ['navigator'] },
        { name: 'ollama' as const, state, models: ['a', 'b'], where: 'http://127.0.0.1:11434' },
      ],
    },
  });
  expect((await navigator({ parts: engines('absent') }).brief('hello')).modelLoaded).toBe(false);
  const loaded = await navigator({ parts: engines('found') }).brief('which models?');
  expect(loaded.modelLoaded).toBe(true);
  expect(loaded.topics[1]?.facts).toMatchObject({ name: 'ollama', models: 2, model_names: 'a, b' });
});

test('only the start of an endless question is read', async () => {
  const { brief } = navigator();
  expect((await brief(`${'x '.repeat(1000)}temperature`)).topics).toEqual([]);
});
