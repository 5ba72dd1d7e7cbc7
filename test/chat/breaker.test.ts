import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { completion, eventually, ledgerEvents, startAppliance, status } from './support.js';

let openai: ScriptedUpstream;
let ollama: ScriptedUpstream;
let appliance: TestAppliance;

beforeAll(async () => {
  openai = await ScriptedUpstream.start({ models: ['quill'] });
  ollama = await ScriptedUpstream.start({ as: 'ollama' });
  appliance = await startAppliance({
    ARKALIA_ENGINES_ORDER: 'openai,ollama',
    ARKALIA_ENGINES_OPENAI_URL: openai.url,
    ARKALIA_ENGINES_OLLAMA_URL: ollama.url,
    ARKALIA_BREAKER_WINDOW_CALLS: '4',
    ARKALIA_BREAKER_CALLS_MIN: '2',
    ARKALIA_BREAKER_OPEN_MS: '3000',
    ARKALIA_BREAKER_OPEN_MS_MAX: '3000',
  });
});
afterAll(async () => {
  await appliance?.close();
  await Promise.all([openai?.close(), ollama?.close()]);
});

const ask = (model?: string) => appliance.post('/v1/chat/completions', completion('Hello', { model }));
const engineOf = async (response: Response) =>
  ((await response.json()) as { arkalia: { engine: string } }).arkalia.engine;
const breaker = async () => (await status(appliance)).breakers.find(({ name }) => name === 'openai')!;
const transitions = async () =>
  (await ledgerEvents(appliance))
    .filter(({ type }) => type.startsWith('circuit_'))
    .map(({ type, data }) => `${type} ${data.breaker} ${data.from}`);

test('a failing engine is left alone, tried again after its rest, and used again once it answers', async () => {
  openai.always({ kind: 'status', status: 500 });
  expect(await engineOf(await ask())).toBe('ollama');
  expect((await breaker()).state).toBe('closed');
  expect(await engineOf(await ask())).toBe('ollama');
  expect(await breaker()).toMatchObject({ state: 'open', openings: 1 });
  expect(await transitions()).toEqual(['circuit_opened openai closed']);

  // While it rests it is not asked: the next engine answers at once, and whoever named its model is told when to come back.
  const asked = openai.prompts.length;
  expect(await engineOf(await ask())).toBe('ollama');
  const refused = await ask('quill');
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(3);
  expect(await refused.json()).toMatchObject({ error: { code: 'engine_unavailable' } });
  expect(openai.prompts).toHaveLength(asked);

  // Its first answer after the rest is another failure: it rests again.
  await eventually(async () => (openai.prompts.length > asked ? true : void (await engineOf(await ask()))));
  expect(openai.prompts).toHaveLength(asked + 1);
  expect(await breaker()).toMatchObject({ state: 'open', openings: 2 });

  openai.always({ kind: 'ok', pieces: ['I am back.'] });
  await eventually(async () => ((await engineOf(await ask())) === 'openai' ? true : undefined));
  expect(openai.prompts).toHaveLength(asked + 2);
  expect((await breaker()).state).toBe('closed');
  expect(await engineOf(await ask('quill'))).toBe('openai');
  expect(await transitions()).toEqual([
    'circuit_opened openai closed',
    'circuit_half_opened openai open',
    'circuit_opened openai half_open',
    'circuit_half_opened openai open',
    'circuit_closed openai half_open',
  ]);
});

test('the state stands in the metrics under the name of the engine', async () => {
  const metrics = await (await fetch(`${appliance.url}/metrics`)).text();
  expect(metrics).toContain(`arkalia_breaker_state{engine="openai",state="${(await breaker()).state}"} 1`);
});

test.each([
  ['has no place', { kind: 'status', status: 429 }],
  ['does not have the model', { kind: 'status', status: 404 }],
  ['rejects the request', { kind: 'status', status: 400 }],
] as const)('an engine that %s says nothing against itself', async (_, script) => {
  openai.always(script);
  for (let i = 0; i < 4; i += 1) expect(await engineOf(await ask())).toBe('ollama');
  const before = openai.prompts.length;
  expect((await ask('quill')).status).not.toBe(200);
  expect(openai.prompts).toHaveLength(before + 1);
  expect((await breaker()).state).toBe('closed');
});

test('an engine that says when to come back is left alone until then, and its breaker stays closed', async () => {
  openai.always({ kind: 'status', status: 429, headers: { 'retry-after': '4' } });
  const before = openai.prompts.length;
  for (let i = 0; i < 4; i += 1) expect(await engineOf(await ask())).toBe('ollama');
  expect(openai.prompts).toHaveLength(before + 1);
  const refused = await ask('quill');
  expect(refused.status).toBe(503);
  expect(['1', '2', '3', '4']).toContain(refused.headers.get('retry-after'));
  expect((await breaker()).state).toBe('closed');

  openai.always({ kind: 'ok', pieces: ['There is a place.'] });
  await eventually(async () => ((await engineOf(await ask())) === 'openai' ? true : undefined));
  expect(openai.prompts).toHaveLength(before + 2);
});
