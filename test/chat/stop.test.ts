import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { allFrames, completion, eventually, startAppliance, status } from './support.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** More than a test may take: what only ends by these times fails it. */
const tooLong = '600000';

async function start(env: Record<string, string>) {
  const upstream = await ScriptedUpstream.start({ models: ['quill'] });
  closing.push(() => upstream.close());
  const appliance = await startAppliance({
    ARKALIA_ENGINES_OPENAI_URL: upstream.url,
    ARKALIA_ENGINES_ORDER: 'openai',
    ...env,
  });
  // One that does not end by itself must not outlive its test.
  closing.push(async () => {
    await appliance.end('SIGKILL');
    await appliance.close();
  });
  const busy = () =>
    eventually(async () => ((await status(appliance)).queues.openai!.busy === 1 ? true : undefined));
  return { upstream, appliance, busy };
}

test('a stopping server lets an answer finish, and waits for nothing else', async () => {
  const { upstream, appliance, busy } = await start({
    ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: tooLong,
    ARKALIA_HTTP_KEEP_ALIVE_TIMEOUT_MS: tooLong,
    ARKALIA_HTTP_HEADERS_TIMEOUT_MS: tooLong,
  });
  upstream.always({ kind: 'ok', pieces: ['One. ', 'Two. ', 'Three.'], delayMs: 300 });
  // Opened in advance, as browsers do; it never sends a request.
  const unused = connect(Number(new URL(appliance.url).port), '127.0.0.1');
  unused.on('error', () => unused.destroy());
  await once(unused, 'connect');
  const asked = appliance.post('/v1/chat/completions', completion('Hello'));
  await busy();
  const ended = appliance.end();
  expect(await (await asked).json()).toMatchObject({
    choices: [{ finish_reason: 'stop', message: { content: 'One. Two. Three.' } }],
  });
  expect(await ended).toBe(0);
  unused.destroy();
});

test('what does not finish in time is ended: a stream by a typed error frame, an answer by a typed error', async () => {
  const { upstream, appliance, busy } = await start({ ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '300' });
  upstream.always({ kind: 'stall_mid', pieces: ['Once upon a time '] });
  const reading = allFrames(await appliance.post('/chat', { message: 'A tale', stream: true }));
  await busy();
  const waiting = appliance.post('/v1/chat/completions', completion('Another'));
  await eventually(async () => ((await status(appliance)).queues.openai!.waiting === 1 ? true : undefined));
  const ended = appliance.end();
  const last = (await reading).at(-1);
  expect(last?.event).toBe('error');
  expect(JSON.parse(last!.data)).toMatchObject({ code: 'shutting_down', status: 503 });
  const refused = await waiting;
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: 'shutting_down' } });
  expect(await ended).toBe(0);
});

test('a second signal ends it at once', async () => {
  // Ended at once, it cannot remove the empty folder in which its workers stand.
  const temporary = await mkdtemp(join(tmpdir(), 'arkalia-ended-'));
  closing.push(() => rm(temporary, { recursive: true, force: true }));
  const { upstream, appliance, busy } = await start({
    ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: tooLong,
    TMPDIR: temporary,
  });
  upstream.always({ kind: 'stall' });
  const lost = expect(appliance.post('/chat', { message: 'Hello' })).rejects.toThrow();
  await busy();
  const ended = appliance.end();
  await eventually(() => (appliance.output.text.includes('Stopping (SIGTERM)') ? true : undefined));
  appliance.process.kill('SIGTERM');
  expect(await ended).toBe(1);
  await lost;
});
