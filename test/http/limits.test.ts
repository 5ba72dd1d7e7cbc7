import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { cli } from './cli.js';
import { openaiErrorOf, problemOf, type RawAnswer, send, sendJson } from './raw.js';

async function withAppliance(
  env: Record<string, string>,
  run: (appliance: TestAppliance) => Promise<void>,
): Promise<void> {
  const appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false', ...env } });
  try {
    await run(appliance);
  } finally {
    await appliance.close();
  }
}

function expectRetryAfter(answer: RawAnswer, secondsMax: number): number {
  const seconds = Number(answer.headers['retry-after']);
  expect(Number.isInteger(seconds)).toBe(true);
  expect(seconds).toBeGreaterThanOrEqual(1);
  expect(seconds).toBeLessThanOrEqual(secondsMax);
  return seconds;
}

describe('rates', () => {
  test('a client beyond its rate gets 429 with Retry-After; health and other clients are served', async () => {
    const env = { ARKALIA_LIMITS_REQUESTS_PER_SECOND: '1', ARKALIA_LIMITS_REQUESTS_BURST: '5' };
    await withAppliance(env, async ({ url, dataDir }) => {
      const made = await cli(['keys', 'create', '--name', 'other', '--data', dataDir], { cwd: dataDir });
      const startedMs = performance.now();
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => sendJson(url, '/echo', { message: 1 })),
      );
      const refilled = Math.ceil((performance.now() - startedMs) / 1000);
      const served = answers.filter(({ status }) => status === 200).length;
      expect(served).toBeGreaterThanOrEqual(5);
      expect(served).toBeLessThanOrEqual(5 + refilled);
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBe(40 - served);
      for (const answer of refused) {
        expectRetryAfter(answer, 2);
        expect(problemOf(answer)).toMatchObject({ code: 'rate_limited', retry_after_ms: expect.any(Number) });
      }
      for (let i = 0; i < 10; i++) expect((await send(url, { path: '/health' })).status).toBe(200);
      const authorization = `Bearer ${made.stdout.trim()}`;
      expect((await sendJson(url, '/echo', { message: 1 }, { authorization })).status).toBe(200);
      const burst = await Promise.all(Array.from({ length: 20 }, () => send(url, { path: '/v1/models' })));
      const limited = burst.find(({ status }) => status === 429)!;
      expect(openaiErrorOf(limited)).toMatchObject({ code: 'rate_limited', type: 'rate_limit_error' });
      // Who comes back when told to is served.
      await new Promise((resolve) => setTimeout(resolve, expectRetryAfter(limited, 2) * 1000 + 100));
      expect((await sendJson(url, '/echo', { message: 1 })).status).toBe(200);
    });
  });

  test('prompts have a rate of their own, over /chat and /v1 together; the rest is served', async () => {
    const env = { ARKALIA_LIMITS_PROMPTS_PER_MINUTE: '1', ARKALIA_LIMITS_PROMPTS_BURST: '2' };
    await withAppliance(env, async ({ url }) => {
      const prompt = { model: 'arkalia', messages: [{ role: 'user', content: 'How are you?' }] };
      expect((await sendJson(url, '/chat', { message: 'How are you?' })).status).toBe(200);
      expect((await sendJson(url, '/v1/chat/completions', prompt)).status).toBe(200);
      const chat = await sendJson(url, '/chat', { message: 'How are you?' });
      expect([chat.status, problemOf(chat).code]).toEqual([429, 'rate_limited']);
      expectRetryAfter(chat, 60);
      const openai = await sendJson(url, '/v1/chat/completions', prompt);
      expect([openai.status, openaiErrorOf(openai).code]).toEqual([429, 'rate_limited']);
      expectRetryAfter(openai, 60);
      expect((await sendJson(url, '/echo', { message: 1 })).status).toBe(200);
    });
  });
});

/** A gateway that hands everything on, headers and all, as a proxy in front of models does; it may list models of its own. */
async function gateway(options: { target: () => string; ownModels?: string[] }) {
  const server = http.createServer((incoming, outgoing) => {
    if (options.ownModels !== undefined && incoming.method === 'GET') {
      const data = options.ownModels.map((id) => ({ id, object: 'model', created: 0, owned_by: 'gateway' }));
      outgoing.writeHead(200, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify({ object: 'list', data }));
      return;
    }
    const onward = http.request(
      options.target() + incoming.url,
      { method: incoming.method!, headers: { ...incoming.headers, host: 'localhost' }, agent: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      },
    );
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

describe('an engine address that leads back to us', () => {
  test('a request with our own Via is refused with 508 on every kind of route; a foreign Via is not', async () => {
    const upstream = await ScriptedUpstream.start({ as: 'openai' });
    try {
      await withAppliance({ ARKALIA_ENGINES_OPENAI_URL: upstream.url }, async ({ url }) => {
        const via = upstream.requests[0]!.headers.via!;
        expect(via).toMatch(/^1\.1 arkalia-[0-9a-f]{24}$/);
        for (const value of [via, `1.0 other, ${via}, 1.1 nginx`]) {
          const headers = { via: value };
          for (const path of ['/health', '/status', '/nope', '/docs']) {
            const answer = await send(url, { path, headers });
            expect([path, answer.status, problemOf(answer).code]).toEqual([path, 508, 'loop_detected']);
          }
          const models = await send(url, { path: '/v1/models', headers });
          expect([models.status, openaiErrorOf(models).code]).toEqual([508, 'loop_detected']);
          const chat = await sendJson(url, '/chat', { message: 'hello' }, headers);
          expect([chat.status, problemOf(chat).code]).toEqual([508, 'loop_detected']);
        }
        for (const other of ['1.1 nginx', '1.1 arkalia-000000000000000000000000'])
          expect((await send(url, { path: '/status', headers: { via: other } })).status).toBe(200);
      });
    } finally {
      await upstream.close();
    }
  });

  const messages = [{ role: 'user', content: 'hello' }];

  test('a gateway that leads back is never an engine, and what is said of it says why', async () => {
    let own = 'http://127.0.0.1:9';
    const round = await gateway({ target: () => own });
    try {
      await withAppliance({ ARKALIA_ENGINES_OPENAI_URL: round.url }, async ({ url }) => {
        own = url;
        const named = await sendJson(url, '/v1/chat/completions', { model: 'any-model', messages });
        expect([named.status, openaiErrorOf(named).code]).toEqual([404, 'model_not_found']);
        const any = await sendJson(url, '/v1/chat/completions', { messages });
        expect([any.status, openaiErrorOf(any)]).toEqual([
          503,
          expect.objectContaining({
            code: 'engine_unavailable',
            message: expect.stringMatching(/openai: The address \S+ leads back to this appliance/),
          }),
        ]);
        const { engines } = JSON.parse((await send(url, { path: '/status' })).text) as {
          engines: { name: string; state: string; problem?: string }[];
        };
        const engine = engines.find(({ name }) => name === 'openai');
        expect(engine).toMatchObject({ state: 'absent', problem: expect.stringContaining('leads back') });
      });
    } finally {
      await round.close();
    }
  });

  test('one that lists models of its own and sends us our own prompts: 508, once round', async () => {
    let own = 'http://127.0.0.1:9';
    const round = await gateway({ target: () => own, ownModels: ['loop-model'] });
    try {
      await withAppliance({ ARKALIA_ENGINES_OPENAI_URL: round.url }, async ({ url }) => {
        own = url;
        const answer = await sendJson(url, '/v1/chat/completions', { model: 'loop-model', messages });
        expect([answer.status, openaiErrorOf(answer).code]).toEqual([508, 'loop_detected']);
        const chat = await sendJson(url, '/chat', { message: 'How are you?', model: 'loop-model' });
        expect([chat.status, problemOf(chat).code]).toEqual([508, 'loop_detected']);
      });
    } finally {
      await round.close();
    }
  });
});
