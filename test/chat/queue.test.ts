import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import {
  allFrames,
  completion,
  eventually,
  lastConversation,
  ledgerEvents,
  noBreaker,
  spareWorkers,
  startAppliance,
  status,
} from './support.js';

const command = fileURLToPath(new URL('../../runtime/cli/main.js', import.meta.url));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(env: Record<string, string> = {}) {
  const upstream = await ScriptedUpstream.start({ models: ['quill'] });
  closing.push(() => upstream.close());
  const appliance = await startAppliance({
    ...noBreaker,
    ARKALIA_ENGINES_OPENAI_URL: upstream.url,
    ARKALIA_ENGINES_OPENAI_SLOTS: '1',
    ARKALIA_ENGINES_OPENAI_QUEUE_MAX: '1',
    ARKALIA_ENGINES_ORDER: 'openai,navigator',
    ...env,
  });
  closing.push(() => appliance.close());
  return { upstream, appliance };
}

interface Asked {
  response: Promise<Response>;
  leave(): void;
}

/** A prompt whose client may leave. */
function ask({ url }: TestAppliance, message: string): Asked {
  const leaving = new AbortController();
  const response = fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(completion(message)),
    signal: leaving.signal,
  });
  // Whoever leaves may not look at its answer any more.
  response.catch(() => {});
  return { response, leave: () => leaving.abort() };
}

const queueIs = (appliance: TestAppliance, busy: number, waiting: number) =>
  eventually(async () => {
    const queue = (await status(appliance)).queues.openai!;
    return queue.busy === busy && queue.waiting === waiting ? true : undefined;
  });

/** What the prompts that reached the engine asked. */
const textsOf = (upstream: ScriptedUpstream) =>
  upstream.prompts.map(
    ({ body }) => (JSON.parse(body) as { messages: { content: string }[] }).messages.at(-1)!.content,
  );

test('a full queue is 503 with Retry-After; who waits is answered in turn', async () => {
  const { upstream, appliance } = await start();
  upstream.always({ kind: 'stall' });
  const first = ask(appliance, 'first');
  await queueIs(appliance, 1, 0);
  const second = ask(appliance, 'second');
  await queueIs(appliance, 1, 1);
  // What the device does by itself may be recorded meanwhile.
  const ofRequests = async () =>
    (await ledgerEvents(appliance)).filter(({ module }) => ['assistantia', 'helloria'].includes(module));
  const events = await ofRequests();
  for (const stream of [false, true]) {
    const third = await appliance.post('/v1/chat/completions', completion('third', { stream }));
    expect(third.status).toBe(503);
    expect(third.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(await third.json()).toMatchObject({ error: { code: 'queue_full', type: 'server_error' } });
  }
  // A flood of refused requests is no flood of writes.
  expect(await ofRequests()).toEqual(events);
  const chat = await appliance.post('/chat', { message: 'Which version are you?', model: 'quill' });
  expect(chat.status).toBe(503);
  expect(await chat.json()).toMatchObject({ code: 'queue_full', retry_after_ms: expect.any(Number) });
  // Without a model named, /chat goes on to the next engine.
  const open = await appliance.post('/chat', { message: 'Which version are you?' });
  expect(await open.json()).toMatchObject({ engine: 'navigator' });
  expect(upstream.prompts).toHaveLength(1);

  upstream.always({ kind: 'ok', pieces: ['Hello.'] });
  first.leave();
  expect((await second.response).status).toBe(200);
  expect(upstream.prompts).toHaveLength(2);
  await queueIs(appliance, 0, 0);
});

test('a client that leaves while it waits frees its place, and its prompt never reaches the engine', async () => {
  const { upstream, appliance } = await start();
  upstream.always({ kind: 'stall' });
  const first = ask(appliance, 'first');
  await queueIs(appliance, 1, 0);
  for (const name of ['second', 'third', 'fourth']) {
    const waiting = ask(appliance, name);
    await queueIs(appliance, 1, 1);
    waiting.leave();
    await expect(waiting.response).rejects.toThrow();
    await queueIs(appliance, 1, 0);
  }
  const last = ask(appliance, 'last');
  await queueIs(appliance, 1, 1);
  upstream.always({ kind: 'ok', pieces: ['Hello.'] });
  first.leave();
  expect((await last.response).status).toBe(200);
  expect(textsOf(upstream)).toEqual(['first', 'last']);
});

test('prompts that wait reach the engine one at a time, in the order in which they came', async () => {
  const { upstream, appliance } = await start({ ARKALIA_ENGINES_OPENAI_QUEUE_MAX: '3' });
  upstream.next({ kind: 'stall' });
  const names = ['first', 'second', 'third', 'fourth'];
  const asked: Asked[] = [];
  for (const name of names) {
    asked.push(ask(appliance, name));
    await queueIs(appliance, 1, asked.length - 1);
    await eventually(() => upstream.prompts[0]);
    expect(upstream.prompts).toHaveLength(1);
  }
  asked[0]!.leave();
  for (const { response } of asked.slice(1)) expect((await response).status).toBe(200);
  expect(textsOf(upstream)).toEqual(names);
});

test('the deadline ends a prompt that hangs and one that waits: 504, and the engine is let go', async () => {
  const { upstream, appliance } = await start({ ARKALIA_ASSISTANTIA_DEADLINE_MS: '1000' });
  upstream.always({ kind: 'stall' });
  const both = [ask(appliance, 'first'), ask(appliance, 'second')];
  for (const { response } of both) {
    const { status: code, body } = await response.then(async (answer) => ({
      status: answer.status,
      body: (await answer.json()) as object,
    }));
    expect(code).toBe(504);
    expect(body).toMatchObject({ error: { code: 'deadline_exceeded', type: 'server_error' } });
  }
  expect(await upstream.prompts[0]!.closed).toBe(false);
  await queueIs(appliance, 0, 0);
});

test('a deadline in mid-stream is a typed error frame', async () => {
  const { upstream, appliance } = await start({ ARKALIA_ASSISTANTIA_DEADLINE_MS: '3000' });
  upstream.always({ kind: 'stall_mid', pieces: ['Once upon a time '] });
  const response = await appliance.post('/chat', { message: 'A tale', stream: true, model: 'quill' });
  expect(response.status).toBe(200);
  const all = await allFrames(response);
  expect(all[0]?.event).toBe('delta');
  expect(all.at(-1)?.event).toBe('error');
  expect(JSON.parse(all.at(-1)!.data)).toMatchObject({ code: 'deadline_exceeded', status: 504 });
  const workers = await eventually(async () => {
    const { sandbox } = await status(appliance);
    return sandbox.killed.deadline === 1 && sandbox.workers.idle === 2 + spareWorkers ? sandbox : undefined;
  });
  expect(workers.killed.deadline).toBe(1);
});

test('a session carries its history to the engine, for the caller that began it only', async () => {
  const { upstream, appliance } = await start();
  const { stdout } = await promisify(execFile)(process.execPath, [
    command,
    'keys',
    'create',
    '--data',
    appliance.dataDir,
    '--name',
    'phone',
  ]);
  const asKey = { authorization: `Bearer ${stdout.trim()}` };
  const heard = () => lastConversation(upstream);
  const chat = async (body: object, headers = {}) => {
    const response = await appliance.post('/chat', { model: 'quill', ...body }, headers);
    expect(response.status).toBe(200);
    return response;
  };

  const begun = (await (await chat({ message: 'My name is Ada.' })).json()) as { session_id: string };
  expect(heard()).toEqual(['My name is Ada.']);
  const { session_id } = begun;
  await allFrames(await chat({ message: 'And yours?', session_id, stream: true }));
  expect(heard()).toEqual(['My name is Ada.', 'Hello from the script.', 'And yours?']);

  await (await chat({ message: 'Who am I?', session_id }, asKey)).text();
  expect(heard()).toEqual(['Who am I?']);
  await (await chat({ message: 'Hello again', session_id: 'another' })).text();
  expect(heard()).toEqual(['Hello again']);

  // An exchange that failed is not part of the conversation.
  upstream.next({ kind: 'status', status: 500 });
  expect((await appliance.post('/chat', { model: 'quill', message: 'Lost', session_id })).status).toBe(502);
  await (await chat({ message: 'Still there?', session_id })).text();
  expect(heard()).toEqual([
    'My name is Ada.',
    'Hello from the script.',
    'And yours?',
    'Hello from the script.',
    'Still there?',
  ]);
  await (await chat({ message: 'Me too?', session_id }, asKey)).text();
  expect(heard()).toEqual(['Who am I?', 'Hello from the script.', 'Me too?']);
});

test('a stream that waits is told its place and the estimate in comments; an answer that is whole is not', async () => {
  const { upstream, appliance } = await start({
    ARKALIA_ENGINES_OPENAI_QUEUE_MAX: '4',
    ARKALIA_ASSISTANTIA_PLACE_MS: '100',
  });
  // Something to measure.
  expect((await ask(appliance, 'before').response).status).toBe(200);
  for (const [path, body] of [
    ['/v1/chat/completions', completion('waits', { stream: true })],
    ['/v1/completions', { prompt: 'waits', stream: true }],
    ['/chat', { message: 'waits', stream: true, model: 'quill' }],
    ['/api/chat', completion('waits', { stream: true, model: 'quill' })],
    ['/v1/chat/completions', completion('waits')],
  ] as const) {
    upstream.next({ kind: 'ok', pieces: ['a', 'b', 'c'], delayMs: 300 });
    const before = ask(appliance, 'first').response;
    await queueIs(appliance, 1, 0);
    const response = await appliance.post(path, body);
    const text = await response.text();
    expect((await before).status).toBe(200);
    const commented = path !== '/api/chat' && 'stream' in body;
    if (commented)
      expect(text).toMatch(/^(: waiting position=1 estimate_ms=\d+\n\n)+: waiting position=0\n\n[^:]/);
    else expect(text).not.toContain('waiting');
    expect(text).toContain('Hello');
  }
});

test('a stream that was told its place ends with a typed frame when its client is refused later', async () => {
  const { upstream, appliance } = await start({
    ARKALIA_ASSISTANTIA_PLACE_MS: '100',
    ARKALIA_ASSISTANTIA_DEADLINE_MS: '1000',
    ARKALIA_ENGINES_ORDER: 'openai',
  });
  upstream.always({ kind: 'stall' });
  const first = ask(appliance, 'first');
  await queueIs(appliance, 1, 0);
  const response = await appliance.post('/v1/chat/completions', completion('second', { stream: true }));
  expect(response.status).toBe(200);
  const frames = await allFrames(response);
  expect(JSON.parse(frames.at(-1)!.data)).toMatchObject({ error: { code: 'deadline_exceeded' } });
  expect((await first.response).status).toBe(504);
});

test('a client that leaves while it is told its place leaves the queue', async () => {
  const { upstream, appliance } = await start({ ARKALIA_ASSISTANTIA_PLACE_MS: '100' });
  upstream.always({ kind: 'stall' });
  ask(appliance, 'first');
  await queueIs(appliance, 1, 0);
  const leaving = new AbortController();
  const response = await fetch(`${appliance.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(completion('second', { stream: true })),
    signal: leaving.signal,
  });
  expect(response.status).toBe(200);
  await queueIs(appliance, 1, 1);
  leaving.abort();
  await queueIs(appliance, 1, 0);
});

test('who would wait beyond the deadline, by the times measured, is refused at once with Retry-After', async () => {
  const { upstream, appliance } = await start({
    ARKALIA_ENGINES_OPENAI_QUEUE_MAX: '4',
    ARKALIA_ASSISTANTIA_DEADLINE_MS: '1500',
    ARKALIA_ENGINES_ORDER: 'openai',
  });
  upstream.next({ kind: 'ok', pieces: ['slow'], delayMs: 1000 }, { kind: 'stall' });
  expect((await ask(appliance, 'measured').response).status).toBe(200);
  const first = ask(appliance, 'first');
  await queueIs(appliance, 1, 0);
  const second = ask(appliance, 'second');
  await queueIs(appliance, 1, 1);
  const third = await appliance.post('/v1/chat/completions', completion('third'));
  expect(third.status).toBe(503);
  expect(Number(third.headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
  expect(await third.json()).toMatchObject({
    error: { code: 'queue_full', message: expect.stringContaining('deadline') },
  });
  await first.response;
  await second.response;
});

test("llama.cpp's own number of slots is taken, as far as there are workers", async () => {
  for (const [told, slots] of [
    [2, 2],
    [64, 3],
  ]) {
    const upstream = await ScriptedUpstream.start({ slots: told! });
    closing.push(() => upstream.close());
    const appliance = await startAppliance({ ARKALIA_ENGINES_OPENAI_URL: upstream.url });
    closing.push(() => appliance.close());
    expect((await status(appliance)).queues.openai).toMatchObject({ slots });
  }
});
