import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import {
  allFrames,
  childrenRunning,
  completion,
  eventually,
  noBreaker,
  startAppliance,
  status,
} from './support.js';

// The tests run from dist/; the fixtures stay where they are.
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/models/${name}`, import.meta.url));
const expected = JSON.parse(readFileSync(fixture('tiny-chat.expect.json'), 'utf8')) as [string, string][];

let appliance: TestAppliance;
let client: OpenAI;

beforeAll(async () => {
  appliance = await startAppliance({
    ...noBreaker,
    ARKALIA_ENGINES_ORDER: 'embedded,navigator',
    ARKALIA_ENGINES_EMBEDDED_MODEL_FILE: fixture('tiny-chat.gguf'),
    ARKALIA_ENGINES_EMBEDDED_THREADS: '1',
    ARKALIA_ENGINES_EMBEDDED_CONTEXT_TOKENS: '256',
    ARKALIA_LOG_LEVEL: 'error',
  });
  client = new OpenAI({ baseURL: `${appliance.url}/v1`, apiKey: 'not-needed', maxRetries: 0 });
});
afterAll(() => appliance?.close());

const settings = { model: 'tiny-chat', temperature: 0, max_tokens: 64 };
const ask = (content: string) => [{ role: 'user' as const, content }];

test('the model is found and listed', async () => {
  const view = (await status(appliance)).engines.find(({ name }) => name === 'embedded');
  expect(view).toMatchObject({ state: 'found', models: ['tiny-chat'], defaultModel: 'tiny-chat' });
  expect(await client.models.retrieve('tiny-chat')).toMatchObject({ id: 'tiny-chat' });
});

test.each(expected)('%j is answered exactly, whole and streamed, and counted', async (question, answer) => {
  const whole = await client.chat.completions.create({ ...settings, messages: ask(question) });
  expect(whole).toMatchObject({ model: 'tiny-chat', choices: [{ finish_reason: 'stop' }] });
  expect(whole.choices[0]!.message.content).toBe(answer);
  const { prompt_tokens, completion_tokens, total_tokens } = whole.usage!;
  expect(prompt_tokens).toBeGreaterThan(0);
  expect(completion_tokens).toBeGreaterThan(0);
  expect(total_tokens).toBe(prompt_tokens + completion_tokens);
  const streamed = await client.chat.completions
    .stream({ ...settings, messages: ask(question), stream_options: { include_usage: true } })
    .finalChatCompletion();
  expect(streamed.choices[0]!.message.content).toBe(answer);
  expect(streamed.usage).toMatchObject({ prompt_tokens, completion_tokens, total_tokens });
});

test('an answer stops at max_tokens and says so', async () => {
  const cut = await client.chat.completions.create({ ...settings, max_tokens: 3, messages: ask('Hello') });
  expect(cut.choices[0]!.finish_reason).toBe('length');
  expect(cut.usage!.completion_tokens).toBe(3);
  expect('Hello! How can I help you?'.startsWith(cut.choices[0]!.message.content ?? '-')).toBe(true);
});

test('questions that come together are all answered', async () => {
  const answers = await Promise.all(
    expected.map(async ([question]) => {
      const { choices } = await client.chat.completions.create({ ...settings, messages: ask(question) });
      return choices[0]!.message.content;
    }),
  );
  expect(answers).toEqual(expected.map(([, answer]) => answer));
});

test('a prompt longer than the context is refused, never cut', async () => {
  const long = 'What is the capital of Japan? '.repeat(100);
  for (const stream of [false, true]) {
    const response = await appliance.post('/v1/chat/completions', completion(long, { ...settings, stream }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  }
});

test('earlier turns that the context does not hold are left out, which the answer and the event say', async () => {
  const turn = (i: number) => [
    { role: 'user' as const, content: `What is the capital of Japan? ${i}` },
    { role: 'assistant' as const, content: 'The capital of Japan is Tokyo.' },
  ];
  const messages = [...Array.from({ length: 20 }, (_, i) => turn(i)).flat(), ...ask('ping')];
  const openai = await appliance.post('/v1/chat/completions', { ...settings, messages });
  const answer = (await openai.json()) as { arkalia: { left_out: number; receipt: { index: number } } };
  expect(answer.arkalia.left_out).toBeGreaterThan(0);
  const ollama = await appliance.post('/api/chat', { model: 'tiny-chat', stream: false, messages });
  expect(((await ollama.json()) as typeof answer).arkalia.left_out).toBeGreaterThan(0);
  const { events } = (await appliance.json(
    `/ledger/events?since=${answer.arkalia.receipt.index}&limit=1&order=asc`,
  )) as {
    events: { data: { left_out?: number } }[];
  };
  expect(events[0]?.data.left_out).toBe(answer.arkalia.left_out);
});

test('the newest turn alone being too long is said in the form of each API', async () => {
  const content = 'What is the capital of Japan? '.repeat(100);
  const messages = [...ask('ping'), { role: 'assistant', content: 'pong' }, ...ask(content)];
  const openai = await appliance.post('/v1/chat/completions', { ...settings, messages });
  expect([openai.status, await openai.json()]).toMatchObject([
    400,
    { error: { code: 'context_length_exceeded' } },
  ]);
  const ollama = await appliance.post('/api/chat', { model: 'tiny-chat', messages });
  expect([ollama.status, await ollama.json()]).toMatchObject([
    400,
    { error: expect.any(String), code: 'context_length_exceeded' },
  ]);
  const chat = await appliance.post('/chat', { model: 'tiny-chat', message: content });
  expect([chat.status, await chat.json()]).toMatchObject([400, { code: 'context_length_exceeded' }]);
});

test('/chat is answered by the model too', async () => {
  const response = await appliance.post('/chat', { message: 'ping', stream: true });
  const end = (await allFrames(response)).at(-1);
  expect(end?.event).toBe('done');
  expect(JSON.parse(end!.data)).toMatchObject({ engine: 'embedded', model: 'tiny-chat' });
});

test('the process of the model is killed under a prompt: a typed error, and the next prompt is answered again', async () => {
  for (const stream of [false, true]) {
    const [host] = childrenRunning(appliance, 'model-host.js');
    expect(readFileSync(`/proc/${host}/environ`, 'utf8')).toMatch(/^(HOME=\/tmp\0)?$/);
    // Held, so that it dies in the middle of this prompt for certain.
    process.kill(host!, 'SIGSTOP');
    const asked = appliance.post('/v1/chat/completions', completion('ping', { ...settings, stream }));
    await eventually(async () => ((await status(appliance)).queues.embedded!.busy === 1 ? true : undefined));
    await eventually(async () => ((await status(appliance)).sandbox.workers.busy === 1 ? true : undefined));
    process.kill(host!, 'SIGKILL');
    const response = await asked;
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'engine_failed' } });
    const again = await client.chat.completions.create({ ...settings, messages: ask('ping') });
    expect(again.choices[0]!.message.content).toBe('pong');
    expect(childrenRunning(appliance, 'model-host.js')).toHaveLength(1);
    expect(childrenRunning(appliance, 'model-host.js')).not.toContain(host);
  }
});

test('killed in the middle of a stream, the model goes on behind what it said: the client sees one whole answer', async () => {
  const [question, answer] = expected.at(-1)!;
  const [host] = childrenRunning(appliance, 'model-host.js');
  const messages = ask(question);
  const stream = await client.chat.completions.create({ ...settings, messages, stream: true });
  let text = '';
  let finish: string | null = null;
  for await (const { choices } of stream) {
    const said = choices[0]?.delta.content ?? '';
    if (text === '' && said !== '') process.kill(host!, 'SIGKILL');
    text += said;
    finish = choices[0]?.finish_reason ?? finish;
  }
  expect([text, finish]).toEqual([answer, 'stop']);
  const again = await client.chat.completions.create({ ...settings, messages: ask('ping') });
  expect(again.choices[0]!.message.content).toBe('pong');
  expect(childrenRunning(appliance, 'model-host.js')).not.toContain(host);
});

test('without its model /chat falls back on navigator for that prompt, and says who spoke', async () => {
  const [host] = childrenRunning(appliance, 'model-host.js');
  process.kill(host!, 'SIGSTOP');
  const asked = appliance.post('/chat', { message: 'Which version are you?' });
  await eventually(async () => ((await status(appliance)).sandbox.workers.busy === 1 ? true : undefined));
  process.kill(host!, 'SIGKILL');
  expect(await (await asked).json()).toMatchObject({ engine: 'navigator', model: 'navigator' });
});
