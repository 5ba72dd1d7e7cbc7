import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { completion, startAppliance, status } from './support.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(env: Record<string, string>, flags: string[] = []): Promise<TestAppliance> {
  const appliance = await startAppliance(env, flags);
  closing.push(() => appliance.close());
  return appliance;
}

async function ollamaServer(): Promise<ScriptedUpstream> {
  const upstream = await ScriptedUpstream.start({ as: 'ollama' });
  closing.push(() => upstream.close());
  return upstream;
}

async function freePort(): Promise<number> {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Lists a model of its own, and passes everything else on to `target`, headers and all. */
async function proxy(): Promise<{ url: string; to(target: string): void }> {
  let target = '';
  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ object: 'list', data: [{ id: 'mirror', object: 'model' }] }));
      return;
    }
    const { host, ...headers } = request.headers;
    const onward = http.request(target + request.url, { method: request.method, headers, agent: false });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to: (url) => {
      target = url;
    },
  };
}

test('an engine address that is our own is never used as an engine', async () => {
  const port = await freePort();
  const ollama = await ollamaServer();
  const appliance = await start(
    {
      ARKALIA_ENGINES_OPENAI_URL: `http://127.0.0.1:${port}`,
      ARKALIA_ENGINES_ORDER: 'openai,ollama,navigator',
      ARKALIA_ENGINES_OLLAMA_URL: ollama.url,
    },
    ['--port', String(port)],
  );
  expect(appliance.url).toBe(`http://127.0.0.1:${port}`);
  // Asking for the models makes it look again, now that it listens at that address itself.
  await appliance.json('/v1/models');
  const view = (await status(appliance)).engines.find(({ name }) => name === 'openai');
  expect(view).toMatchObject({
    state: 'absent',
    problem: expect.stringContaining('leads back to this appliance'),
  });
  const answer = await appliance.post('/v1/chat/completions', completion('Hello'));
  expect(await answer.json()).toMatchObject({ arkalia: { engine: 'ollama' } });
});

test('with nothing but our own address the request is refused, and the message says why', async () => {
  const port = await freePort();
  const appliance = await start(
    { ARKALIA_ENGINES_OPENAI_URL: `http://127.0.0.1:${port}`, ARKALIA_ENGINES_ORDER: 'openai' },
    ['--port', String(port)],
  );
  const response = await appliance.post('/v1/chat/completions', completion('Hello'));
  expect([503, 508]).toContain(response.status);
  const { error } = (await response.json()) as { error: { message: string } };
  expect(error.message).toContain('leads back to this appliance');
});

test('a loop through a proxy is seen by its Via: 508, or the next engine', async () => {
  const mirror = await proxy();
  const ollama = await ollamaServer();
  const appliance = await start({
    ARKALIA_ENGINES_OPENAI_URL: mirror.url,
    ARKALIA_ENGINES_OLLAMA_URL: ollama.url,
    ARKALIA_ENGINES_ORDER: 'openai,ollama',
  });
  mirror.to(appliance.url);
  const named = await appliance.post('/v1/chat/completions', completion('Hello', { model: 'mirror' }));
  expect(named.status).toBe(508);
  expect(await named.json()).toMatchObject({ error: { code: 'loop_detected' } });
  const open = await appliance.post('/v1/chat/completions', completion('Hello'));
  expect(await open.json()).toMatchObject({ arkalia: { engine: 'ollama' } });
});

test('one appliance may stand behind another', async () => {
  const ollama = await ollamaServer();
  const back = await start({ ARKALIA_ENGINES_OLLAMA_URL: ollama.url });
  const front = await start({ ARKALIA_ENGINES_OPENAI_URL: back.url });
  const response = await front.post(
    '/v1/chat/completions',
    completion('Hello', { model: 'openai/scripted-model' }),
  );
  expect(await response.json()).toMatchObject({
    model: 'scripted-model',
    arkalia: { engine: 'openai' },
    choices: [{ message: { content: 'Hello from the script.' } }],
  });
});
