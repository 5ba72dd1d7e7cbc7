import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from '../http/cli.js';
import { refusalOf } from '../http/operations.js';
import { send, sendJson } from '../http/raw.js';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { completion, eventually, noBreaker, startAppliance } from './support.js';

let upstream: ScriptedUpstream;
let appliance: TestAppliance;
let dataDir: string;

const start = () =>
  startAppliance(
    {
      ...noBreaker,
      ARKALIA_ENGINES_OPENAI_URL: upstream.url,
      ARKALIA_ENGINES_ORDER: 'openai,navigator',
      ARKALIA_REFLEXIA_INTERVAL_MS: '3600000',
      ARKALIA_LOG_LEVEL: 'error',
    },
    [],
    dataDir,
  );

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-limits-'));
  upstream = await ScriptedUpstream.start({ models: ['scripted-model', 'other-model'] });
  appliance = await start();
});
afterEach(async () => {
  await appliance.close();
  await upstream.close();
  await rm(dataDir, { recursive: true });
});

async function bearer(...flags: string[]): Promise<Record<string, string>> {
  const argv = ['keys', 'create', 'someone', ...flags, '--data', dataDir];
  const { stdout, stderr } = await cli(argv, { cwd: dataDir });
  expect(stdout, stderr).toMatch(/^ark_/);
  return { authorization: `Bearer ${stdout.trim()}` };
}

const usage = async () => (await cli(['keys', 'usage', '--data', dataDir], { cwd: dataDir })).stdout;

/** The same question to each API, with the form of its errors. */
const questions = (model?: string) =>
  [
    ['problem', '/chat', { message: 'Hello', ...(model === undefined ? {} : { model }) }],
    ['openai', '/v1/chat/completions', completion('Hello', model === undefined ? {} : { model })],
    ['ollama', '/api/chat', completion('Hello', { model: model ?? 'arkalia', stream: false })],
  ] as const;

test('a budget is used up by what the engine reports, over a restart, and said in the form of each API', async () => {
  const key = await bearer('--tokens-per-day', '10');
  expect((await sendJson(appliance.url, '/chat', { message: 'Hello' }, key)).status).toBe(200);
  const spent = /(\d+) of 10 tokens/.exec(await usage())?.[1];
  expect(Number(spent)).toBeGreaterThan(0);
  // navigator takes no tokens; so the budget is used up by asking the model.
  while (Number(/(\d+) of 10 tokens/.exec(await usage())?.[1]) < 10) {
    expect((await sendJson(appliance.url, '/chat', { message: 'Hello' }, key)).status).toBe(200);
  }
  const asked = upstream.prompts.length;
  for (let run = 0; run < 2; run++) {
    for (const [form, path, body] of questions()) {
      const refused = await sendJson(appliance.url, path, body, key);
      expect([path, refused.status]).toEqual([path, 429]);
      expect(refusalOf(refused, form)).toMatchObject({ code: 'rate_limited' });
      const seconds = Number(refused.headers['retry-after']);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(86_400);
    }
    await appliance.close();
    appliance = await start();
  }
  expect(upstream.prompts).toHaveLength(asked);
  // What asks no engine goes on, and so does everyone else.
  expect((await send(appliance.url, { path: '/v1/models', headers: key })).status).toBe(200);
  expect((await sendJson(appliance.url, '/chat', { message: 'Hello' })).status).toBe(200);
  expect(await usage()).toMatch(/6 refused/);
});

test('who leaves before the end has used tokens too', async () => {
  const key = await bearer('--tokens-per-day', '100000');
  upstream.always({ kind: 'stall_mid', pieces: ['a word '.repeat(50)] });
  const client = new AbortController();
  const answer = await fetch(`${appliance.url}/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...key },
    body: JSON.stringify({ message: 'Hello', stream: true, model: 'scripted-model' }),
    signal: client.signal,
  });
  await answer.body!.getReader().read();
  client.abort();
  await eventually(async () => (/ 1 prompts, [1-9]/.test(await usage()) ? true : undefined));
});

test('a key may use its models only, by whatever name, and the real client says so', async () => {
  const key = await bearer('--models', 'scripted-model');
  for (const model of ['other-model', 'openai/other-model', 'navigator/navigator']) {
    for (const [form, path, body] of questions(model)) {
      const refused = await sendJson(appliance.url, path, body, key);
      expect([model, path, refused.status]).toEqual([model, path, 403]);
      expect(refusalOf(refused, form)).toMatchObject({ code: 'forbidden' });
    }
  }
  expect(upstream.prompts).toHaveLength(0);
  for (const model of ['scripted-model', 'openai/scripted-model', 'arkalia']) {
    const given = await sendJson(appliance.url, '/chat', { message: 'Hello', model }, key);
    expect([model, JSON.parse(given.text)]).toEqual([
      model,
      expect.objectContaining({ model: 'scripted-model' }),
    ]);
  }
  const apiKey = key.authorization!.replace('Bearer ', '');
  const client = new OpenAI({ baseURL: `${appliance.url}/v1`, apiKey, maxRetries: 0 });
  const asked = client.chat.completions.create({
    model: 'other-model',
    messages: [{ role: 'user', content: 'Hello' }],
  });
  await expect(asked).rejects.toMatchObject({ status: 403, code: 'forbidden', param: 'model' });
});

test('a key’s own rate, expiry and scopes are errors in the form of each API', async () => {
  const slow = await bearer('--rate', '2');
  for (const path of ['/v1/models', '/api/tags']) {
    expect((await send(appliance.url, { path, headers: slow })).status).toBe(200);
  }
  const narrow = await bearer('--scope', 'embeddings');
  for (const [form, path, body] of questions()) {
    const rate = await sendJson(appliance.url, path, body, slow);
    expect([path, rate.status, refusalOf(rate, form).code]).toEqual([path, 429, 'rate_limited']);
    expect(Number(rate.headers['retry-after'])).toBeGreaterThan(0);
    const scope = await sendJson(appliance.url, path, body, narrow);
    expect([path, scope.status, refusalOf(scope, form).code]).toEqual([path, 403, 'forbidden']);
  }
  const made = await sendJson(`${appliance.url}`, '/keys', {}, await bearer('--role', 'admin'));
  expect(made.status).toBe(400);
  const admin = await bearer('--role', 'admin');
  const soon = { name: 'guest', role: 'user', expires_ms: Date.now() + 1500 };
  const guest = await sendJson(appliance.url, '/keys', soon, admin);
  const { key } = JSON.parse(guest.text) as { key: string };
  const held = { authorization: `Bearer ${key}` };
  expect((await send(appliance.url, { path: '/v1/models', headers: held })).status).toBe(200);
  await eventually(async () => {
    const { status } = await send(appliance.url, { path: '/v1/models', headers: held });
    return status === 401 ? true : undefined;
  });
  for (const [form, path, body] of questions()) {
    const expired = await sendJson(appliance.url, path, body, held);
    expect([path, expired.status, refusalOf(expired, form).code]).toEqual([path, 401, 'unauthorized']);
    expect(expired.text).toContain('expired');
  }
});
