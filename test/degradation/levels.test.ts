import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noBreaker, startAppliance } from '../chat/support.js';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';

let upstream: ScriptedUpstream;
let appliance: TestAppliance;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start({ models: ['big', 'small'] });
  const setLevel = fileURLToPath(new URL('./set-level.fixture.js', import.meta.url));
  appliance = await startAppliance({
    ...noBreaker,
    ARKALIA_ENGINES_OPENAI_URL: upstream.url,
    ARKALIA_ENGINES_OPENAI_SMALL_MODEL: 'small',
    ARKALIA_ENGINES_OPENAI_QUEUE_MAX: '4',
    ARKALIA_ENGINES_ORDER: 'openai,navigator',
    ARKALIA_MODULES_ENABLED: `zeroia,reflexia,sandozia,assistantia,${setLevel},helloria`,
  });
});
afterAll(async () => {
  await appliance?.close();
  await upstream?.close();
});

const conversation = [
  { role: 'user', content: 'a'.repeat(9000) },
  { role: 'assistant', content: 'Noted.' },
  { role: 'user', content: 'How are you?' },
];

/** What one level makes of the same question. */
async function askAt(level: string) {
  expect((await appliance.post('/set-level', { level })).status).toBe(200);
  const before = upstream.prompts.length;
  const answer = await appliance.post('/v1/chat/completions', { messages: conversation });
  const chat = await appliance.post('/chat', { message: 'How are you?' });
  const sent = upstream.prompts[before];
  const body = sent === undefined ? undefined : (JSON.parse(sent.body) as Record<string, unknown>);
  const said = (await chat.json()) as Record<string, unknown>;
  const advice = await appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'none' });
  const { shed, degradation, queues } = await appliance.json('/status');
  return {
    answered: answer.status,
    model: body?.model,
    tokens: body?.max_tokens,
    messages: (body?.messages as unknown[] | undefined)?.length,
    chat: chat.status === 200 ? said.engine : said.code,
    advice: advice.status,
    places: (queues as Record<string, { waitingMax: number }>).openai?.waitingMax,
    why: (degradation as { reason: string | null }).reason,
    shed: (shed as string[]).length,
    health: (await fetch(`${appliance.url}/health`)).status,
    ledger: (await fetch(`${appliance.url}/ledger/events?limit=1`)).status,
  };
}

const why = 'the test asks for it';
const alive = { health: 200, ledger: 200 };
const whole = { ...alive, answered: 200, chat: 'openai', advice: 200, model: 'big', messages: 3 };

test('the same question at each level', async () => {
  expect(await askAt('normal')).toEqual({ ...whole, tokens: undefined, places: 4, why: null, shed: 0 });
  expect(await askAt('light')).toEqual({ ...whole, tokens: 512, places: 4, why, shed: 3 });
  expect(await askAt('moderate')).toEqual({ ...whole, tokens: 256, messages: 2, places: 2, why, shed: 5 });
  const heavy = { ...whole, tokens: 256, messages: 1, model: 'small', places: 0, why, shed: 6 };
  expect(await askAt('heavy')).toEqual(heavy);
  const none = { model: undefined, tokens: undefined, messages: undefined };
  const emergency = {
    ...alive,
    ...none,
    answered: 503,
    chat: 'navigator',
    advice: 200,
    places: 0,
    why,
    shed: 7,
  };
  expect(await askAt('emergency')).toEqual(emergency);
  expect(await askAt('survival')).toEqual({ ...emergency, chat: 'degraded', advice: 503, shed: 8 });
  expect(await askAt('normal')).toMatchObject({ ...whole, places: 4, shed: 0 });
});

test('/status says of each service what is left of it; a model that is named answers itself', async () => {
  await appliance.post('/set-level', { level: 'heavy' });
  const { degradation } = await appliance.json('/status');
  const { services } = degradation as { services: Record<string, string>[] };
  expect(services.find(({ name }) => name === 'language models')).toEqual({
    name: 'language models',
    priority: 'high',
    state: 'reduced',
    means: 'small_model answers where one is set and no model is named',
  });
  expect(services.find(({ name }) => name === 'ledger')).toMatchObject({ state: 'full' });
  const named = await appliance.post('/v1/chat/completions', { model: 'big', messages: conversation });
  expect(await named.json()).toMatchObject({ model: 'big' });
  await appliance.post('/set-level', { level: 'normal' });
});
