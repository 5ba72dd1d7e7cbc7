import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import {
  allFrames,
  childrenRunning,
  completion,
  eventually,
  frames,
  noBreaker,
  spareWorkers,
  startAppliance,
  status,
} from './support.js';

interface Stage {
  openai: ScriptedUpstream;
  ollama: ScriptedUpstream;
  appliance: TestAppliance;
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(workers: number, env: Record<string, string> = {}): Promise<Stage> {
  const openai = await ScriptedUpstream.start({ models: ['quill'] });
  closing.push(() => openai.close());
  const ollama = await ScriptedUpstream.start({ as: 'ollama', models: ['llama'] });
  closing.push(() => ollama.close());
  const appliance = await startAppliance({
    ...noBreaker,
    ARKALIA_ENGINES_ORDER: 'ollama,openai',
    ARKALIA_ENGINES_OPENAI_URL: openai.url,
    ARKALIA_ENGINES_OLLAMA_URL: ollama.url,
    ARKALIA_SANDBOX_WORKERS: String(workers),
    ARKALIA_LOG_LEVEL: 'error',
    ...env,
  });
  closing.push(() => appliance.close());
  await wholePool(appliance, workers);
  return { openai, ollama, appliance };
}

/** All workers idle; where a worker has one prompt, one more stands ready. */
const wholePool = (appliance: TestAppliance, workers: number) =>
  eventually(async () => {
    const { idle, busy, starting } = (await status(appliance)).sandbox.workers;
    return idle === workers + spareWorkers && busy === 0 && starting === 0 ? true : undefined;
  });

const workersOf = (appliance: TestAppliance) => childrenRunning(appliance, 'worker.js');

test('while one prompt hangs, others are answered', async () => {
  const { ollama, appliance } = await start(2);
  ollama.always({ kind: 'stall' });
  const leaving = new AbortController();
  const hanging = fetch(`${appliance.url}/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'Hello', model: 'llama' }),
    signal: leaving.signal,
  });
  await eventually(() => ollama.prompts[0]);
  for (let i = 0; i < 5; i += 1) {
    const response = await appliance.post('/v1/chat/completions', completion('Hello', { model: 'quill' }));
    expect(response.status).toBe(200);
  }
  expect((await status(appliance)).sandbox.workers.busy).toBe(1);
  leaving.abort();
  await expect(hanging).rejects.toThrow();
  expect(await ollama.prompts[0]!.closed).toBe(false);
  await wholePool(appliance, 2);
});

test('a worker killed in mid-answer: its client gets a typed error, the other answer goes on, the pool is whole again', async () => {
  const { openai, ollama, appliance } = await start(2);
  const pieces = Array.from({ length: 20 }, (_, i) => `Word ${i}. `);
  for (const upstream of [openai, ollama]) upstream.always({ kind: 'ok', pieces, delayMs: 100 });
  const answers = await Promise.all(
    ['quill', 'llama'].map(async (model) => {
      const response = await appliance.post('/chat', { message: 'Hello', stream: true, model });
      const stream = frames(response);
      // Both speak before one of them dies.
      return { stream, first: (await stream.next()).value };
    }),
  );
  const before = (await status(appliance)).sandbox;
  expect(before.workers.busy).toBe(2);
  const [victim, survivor] = workersOf(appliance);
  process.kill(victim!, 'SIGKILL');
  const endings = await Promise.all(
    answers.map(async ({ stream, first }) => {
      const rest = [first!];
      for await (const frame of stream) rest.push(frame);
      return rest;
    }),
  );
  endings.sort((a, b) => a.length - b.length);
  const [broken, whole] = endings;
  expect(broken!.at(-1)).toMatchObject({ event: 'error' });
  expect(JSON.parse(broken!.at(-1)!.data)).toMatchObject({ code: 'sandbox_failed', status: 502 });
  expect(whole!.at(-1)).toMatchObject({ event: 'done' });
  const text = whole!.slice(0, -1).map(({ data }) => (JSON.parse(data) as { text: string }).text);
  expect(text.join('')).toBe(pieces.join(''));
  await wholePool(appliance, 2);
  const after = (await status(appliance)).sandbox;
  // Where a worker has one prompt the survivor is replaced behind it, too.
  const spawned = before.spawned + 1 + spareWorkers;
  expect(after).toMatchObject({ spawned, killed: { ...before.killed, crashed: 1 } });
  const now = workersOf(appliance);
  expect(now).toHaveLength(2 + spareWorkers);
  expect(now.includes(survivor!)).toBe(spareWorkers === 0);
  expect(now).not.toContain(victim);
});

test('a worker killed before the first word: the next engine answers; a named model gets a typed error', async () => {
  const { ollama, appliance } = await start(1);
  ollama.always({ kind: 'stall' });
  const ask = (model?: string) => appliance.post('/v1/chat/completions', completion('Hello', { model }));
  const kill = async (prompts: number) => {
    await eventually(() => ollama.prompts[prompts - 1]);
    for (const pid of workersOf(appliance)) process.kill(pid, 'SIGKILL');
  };
  const [open] = await Promise.all([ask(), kill(1)]);
  expect(await open.json()).toMatchObject({ model: 'quill', arkalia: { engine: 'openai' } });
  const [named] = await Promise.all([ask('llama'), kill(2)]);
  expect(named.status).toBe(502);
  expect(await named.json()).toMatchObject({ error: { code: 'sandbox_failed' } });
  await wholePool(appliance, 1);
});

test('a worker killed before the first word is tried again with the same engine, as long as that is one prompt in five', async () => {
  const { ollama, appliance } = await start(1);
  const ask = (n: number) =>
    appliance.post('/v1/chat/completions', completion(`Hello ${n}`, { model: 'llama' }));
  const askKilled = async (n: number) => {
    ollama.next({ kind: 'stall' });
    const before = ollama.prompts.length;
    const asked = ask(n);
    await eventually(() => ollama.prompts[before]);
    for (const pid of workersOf(appliance)) process.kill(pid, 'SIGKILL');
    return (await asked).status;
  };
  for (let n = 0; n < 5; n++) expect((await ask(n)).status).toBe(200);
  expect(await askKilled(5)).toBe(200);
  expect(await askKilled(6)).toBe(502);
  const { modules } = (await appliance.json('/status')) as {
    modules: { assistantia: { facts: { retries: unknown } } };
  };
  expect(modules.assistantia.facts.retries).toEqual({ asked: 7, retried: 1, refused: 1 });
  await wholePool(appliance, 1);
});

test('workers that die while idle are replaced, again and again', async () => {
  const { appliance } = await start(2);
  for (let round = 0; round < 3; round += 1) {
    await wholePool(appliance, 2);
    const { spawned } = (await status(appliance)).sandbox;
    const old = workersOf(appliance);
    expect(old).toHaveLength(2 + spareWorkers);
    for (const pid of old) process.kill(pid, 'SIGKILL');
    await eventually(async () =>
      (await status(appliance)).sandbox.spawned === spawned + old.length ? true : undefined,
    );
    await wholePool(appliance, 2);
    expect(workersOf(appliance).some((pid) => old.includes(pid))).toBe(false);
    const answers = await Promise.all(
      [0, 1, 2].map(() => appliance.post('/chat', { message: 'Hello', stream: true })),
    );
    for (const response of answers) {
      expect(response.status).toBe(200);
      expect((await allFrames(response)).at(-1)?.event).toBe('done');
    }
  }
});

test('a worker has an empty environment and is not told where the data is', async () => {
  const { appliance } = await start(2);
  const pids = workersOf(appliance);
  expect(pids).toHaveLength(2 + spareWorkers);
  for (const pid of pids) {
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toBe('');
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(appliance.dataDir);
  }
});

test('no worker outlives a server that is killed', async () => {
  // Killed, the server cannot remove the empty folder in which its workers stand.
  const temporary = await mkdtemp(join(tmpdir(), 'arkalia-killed-'));
  closing.push(() => rm(temporary, { recursive: true, force: true }));
  const { ollama, appliance } = await start(2, { TMPDIR: temporary });
  ollama.always({ kind: 'stall' });
  const hanging = appliance.post('/chat', { message: 'Hello', model: 'llama' });
  await eventually(() => ollama.prompts[0]);
  const pids = workersOf(appliance);
  expect(pids).toHaveLength(2 + spareWorkers);
  const lost = expect(hanging).rejects.toThrow();
  await appliance.end('SIGKILL');
  await lost;
  await eventually(() => (pids.every(isGone) ? true : undefined));
});

/** Gone, or dead and not yet buried by whoever inherited it. */
function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.startsWith('Z');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return true;
    throw error;
  }
}
