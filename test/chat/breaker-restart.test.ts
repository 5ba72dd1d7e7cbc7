import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { cli } from '../http/cli.js';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { completion, eventually, ledgerEvents, startAppliance, status } from './support.js';

let upstream: ScriptedUpstream;
let dataDir: string;
let appliance: TestAppliance;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start({ models: ['quill'] });
});
afterAll(() => upstream.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-restart-'));
});
afterEach(async () => {
  await appliance?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Starts on the same data folder, with the wall clock `days` off, or at 1970. */
async function start(wall: number | '1970' = 0, env: Record<string, string> = {}): Promise<void> {
  const now = wall === '1970' ? 'real()-began' : `real()+${wall * 86_400_000}`;
  const shift = `const real=Date.now,began=real();Date.now=()=>${now}`;
  appliance = await startAppliance(
    {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}`,
      ARKALIA_ENGINES_ORDER: 'openai',
      ARKALIA_ENGINES_OPENAI_URL: upstream.url,
      ARKALIA_BREAKER_WINDOW_CALLS: '4',
      ARKALIA_BREAKER_CALLS_MIN: '2',
      ARKALIA_BREAKER_OPEN_MS: '4000',
      ...env,
    },
    [],
    dataDir,
  );
}

const ask = () => appliance.post('/v1/chat/completions', completion('Hello'));
const breaker = async () => (await status(appliance)).breakers.find(({ name }) => name === 'openai')!;
const file = () => join(dataDir, 'breakers.json');
const saved = async () =>
  (JSON.parse(await readFile(file(), 'utf8')) as { breakers: Record<string, Record<string, number>> })
    .breakers.openai!;

async function openIt(): Promise<void> {
  upstream.always({ kind: 'status', status: 500 });
  for (let i = 0; i < 2; i++) await ask();
  expect((await breaker()).state).toBe('open');
}

test.each([[0], [1], [-1], ['1970' as const]])(
  'an engine that was open is left alone for no more than what was left, then probed (wall clock: %s)',
  async (wall) => {
    await start();
    await openIt();
    await appliance.end();
    const { open_ms, step } = await saved();
    expect(open_ms).toBeLessThanOrEqual(4000);
    expect(step).toBe(0);

    await start(wall);
    const expectedMs = wall === '1970' ? 0 : Date.now() + wall * 86_400_000;
    const { started_ms } = (await appliance.json('/status')) as { started_ms: number };
    expect(Math.abs(started_ms - expectedMs)).toBeLessThan(3_600_000);
    const now = await breaker();
    expect(now.state).toBe('open');
    expect(now.retry_after_ms).toBeLessThanOrEqual(open_ms!);
    const asked = upstream.prompts.length;
    expect((await ask()).status).toBe(503);
    expect(upstream.prompts).toHaveLength(asked);

    upstream.always({ kind: 'ok', pieces: ['I am back.'] });
    await eventually(async () => ((await ask()).status === 200 ? true : undefined));
    expect(upstream.prompts).toHaveLength(asked + 1);
    expect((await breaker()).state).toBe('closed');
  },
);

test('killed without a word it remembers too, and never longer than the options now allow', async () => {
  await start();
  await openIt();
  await eventually(() => (existsSync(file()) ? true : undefined));
  await appliance.end('SIGKILL');
  await start(0);
  expect(await breaker()).toMatchObject({ state: 'open', openings: 0 });
  await appliance.end('SIGKILL');
  await start(0, { ARKALIA_BREAKER_OPEN_MS: '200', ARKALIA_BREAKER_OPEN_MS_MAX: '200' });
  expect((await breaker()).retry_after_ms ?? 0).toBeLessThanOrEqual(200);
  upstream.always({ kind: 'ok', pieces: ['I am back.'] });
  await eventually(async () => ((await ask()).status === 200 ? true : undefined));
});

test('a damaged file is set aside and nothing else happens', async () => {
  await writeFile(file(), '{"version":1,"breakers":');
  await start();
  expect((await breaker()).state).toBe('closed');
  expect(appliance.output.text).toContain('the saved breakers cannot be read');
  expect(await readFile(`${file()}.set-aside`, 'utf8')).toBe('{"version":1,"breakers":');
});

test("an operator's order holds over a restart until it is reset, and each is in the ledger", async () => {
  upstream.always({ kind: 'ok', pieces: ['Hello.'] });
  await start();
  const order = (verb: string) => cli(['breakers', verb, 'openai', '--data', dataDir], { cwd: dataDir });
  expect(await order('force-open')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('forced_open'),
  });
  const refused = await ask();
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({
    error: { code: 'engine_unavailable', message: expect.stringContaining('operator') },
  });
  await appliance.end();

  await start();
  expect((await breaker()).state).toBe('forced_open');
  expect((await ask()).status).toBe(503);
  expect(await order('reset')).toMatchObject({ code: 0, stdout: expect.stringContaining('closed') });
  expect((await ask()).status).toBe(200);
  expect(await order('metrics-only')).toMatchObject({ code: 0 });
  upstream.always({ kind: 'status', status: 500 });
  for (let i = 0; i < 4; i++) await ask();
  expect(await breaker()).toMatchObject({ state: 'metrics_only', calls: 4, failures: 4 });

  const events = (await ledgerEvents(appliance)).filter(({ data }) => data.breaker === 'openai');
  expect(events.map(({ type, data }) => [type, data.to, data.by])).toEqual([
    ['state_change', 'forced_open', 'control socket'],
    ['manual_reset', 'closed', 'control socket'],
    ['state_change', 'metrics_only', 'control socket'],
  ]);
  const metrics = await (await fetch(`${appliance.url}/metrics`)).text();
  expect(metrics).toContain('arkalia_breaker_state{engine="openai",state="metrics_only"} 1');
  expect(metrics).toContain('arkalia_breaker_calls_total{engine="openai",outcome="failure"} 4');
  expect(metrics).toContain('arkalia_breaker_calls_total{engine="openai",outcome="success"} 1');
  expect(metrics).toContain('arkalia_breaker_openings_total{engine="openai"} 0');
});

test('no one gives orders without a key', async () => {
  await start();
  const answer = await appliance.post('/breakers/openai', { order: 'forced_open' });
  expect(answer.status).toBe(401);
  expect((await breaker()).state).toBe('closed');
});
