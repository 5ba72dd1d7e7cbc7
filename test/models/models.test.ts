import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isInstalled } from '../../sandbox/models.js';
import { cli } from '../http/cli.js';
import { TestAppliance } from '../support/appliance.js';

const fixture = fileURLToPath(new URL('../../../test/fixtures/models/tiny-chat.gguf', import.meta.url));
const good = readFileSync(fixture);
const sha256 = createHash('sha256').update(good).digest('hex');
const installed = isInstalled('node-llama-cpp');

let appliance: TestAppliance;
let dataDir: string;
let models: string;
/** A server to fetch from; each test says what it answers. */
let shelf: http.Server;
let answer: http.RequestListener;
const shelfHost = () => `127.0.0.1:${(shelf.address() as AddressInfo).port}`;
let admin: Record<string, string>;
const env = () => ({
  ARKALIA_MODELS_DIR: models,
  ARKALIA_MODELS_PULL_HOSTS: shelfHost(),
  ARKALIA_ZEROIA_ACT: 'false',
  ARKALIA_ENGINES_ORDER: 'embedded,navigator',
  ARKALIA_ENGINES_EMBEDDED_THREADS: '1',
  ARKALIA_ENGINES_EMBEDDED_CONTEXT_TOKENS: '256',
});
const command = (...args: string[]) => cli([...args, '--data', dataDir], { cwd: dataDir, env: env() });

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'arkalia-models-'));
  // The user that models run as reads the folder.
  models = mkdtempSync(join(tmpdir(), 'arkalia-gguf-'));
  chmodSync(models, 0o755);
  shelf = http.createServer((request, response) => answer(request, response));
  await once(shelf.listen(0, '127.0.0.1'), 'listening');
  appliance = await TestAppliance.start({ dataDir, env: env() });
  const made = await command('keys', 'create', '--name', 'a', '--role', 'admin');
  admin = { authorization: `Bearer ${made.stdout.trim()}` };
});
afterAll(async () => {
  await appliance.close();
  shelf.closeAllConnections();
  shelf.close();
  for (const folder of [dataDir, models]) rmSync(folder, { recursive: true });
});

const ask = async (model: string) => {
  const answer = await appliance.post('/v1/chat/completions', {
    model,
    temperature: 0,
    messages: [{ role: 'user', content: 'Hello' }],
  });
  return (await answer.json()) as {
    choices?: { message: { content: string } }[];
    error?: { message: string };
  };
};
const list = async () =>
  (await (await fetch(`${appliance.url}/models`, { headers: admin })).json()) as {
    models: { name: string; is_default: boolean }[];
    work: { name: string; state: string; problem?: string }[];
  };
async function settled(name: string): Promise<{ state: string; problem?: string }> {
  for (;;) {
    const work = (await list()).work.find((one) => one.name === name);
    if (work?.state === 'done' || work?.state === 'failed') return work;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('the command adds, lists, verifies, chooses and removes through the running server', async () => {
  expect((await command('models', 'list')).stdout).toContain('There are no models');
  const added = await command('models', 'add', fixture, '--name', 'one', '--sha256', sha256.toUpperCase());
  // A small file may be read before anybody looks: then only its arrival is told. Nothing is told twice.
  expect(added).toMatchObject({ code: 0, stderr: expect.stringMatching(/^receiving 100 % of 1\.0 MB$/m) });
  const told = added.stderr.trimEnd().split('\n');
  expect(told).toEqual([...new Set(told)]);
  expect(added.stdout).toMatch(
    /\* one {2}1\.0 MB\n.*918656 parameters, Q8_0, context 1024, no licence named, needs about 401 MB/,
  );
  expect(added.stdout).toContain(sha256);
  for (const [name, instead] of [
    ['Bad_NAME', '--name bad_name would do'],
    ['Été (1)', '--name ete-1 would do'],
    ['x'.repeat(65), `--name ${'x'.repeat(64)} would do`],
    ['東京', 'give another with --name'],
  ] as const) {
    const refused = await command('models', 'add', fixture, '--name', name);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(instead)]);
    expect(refused.stderr).toContain('[a-z0-9][a-z0-9._-]*');
  }
  expect((await command('models', 'add', fixture, '--name', 'two')).code).toBe(0);
  expect((await command('models', 'verify', 'one')).code).toBe(0);
  expect((await command('models', 'default', 'two')).code).toBe(0);
  expect((await command('models', 'list')).stdout).toMatch(/ {2}one.*\n(.*\n)+\* two/);
  expect((await command('models', 'remove', 'two')).code).toBe(0);
  expect(readdirSync(models)).toEqual(['one.gguf']);
  expect(await command('models', 'default', 'two')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no model two'),
  });
  const { events } = (await appliance.json('/ledger/events?limit=1000&order=asc')) as unknown as {
    events: { type: string; data: Record<string, unknown> }[];
  };
  const recorded = events.filter(({ type }) => type.startsWith('model_'));
  expect(recorded.map(({ type, data }) => `${type} ${data.name} by ${data.by}`)).toEqual([
    'model_added one by control socket',
    'model_added two by control socket',
    'model_verified one by control socket',
    'model_chosen two by control socket',
    'model_removed two by control socket',
  ]);
});

test.runIf(installed)('what is chosen answers; another choice is loaded without a restart', async () => {
  await command('models', 'default', 'one');
  expect((await ask('one')).choices?.[0]?.message.content).toBe('Hello! How can I help you?');
  await command('models', 'add', fixture, '--name', 'two');
  await command('models', 'default', 'two');
  expect((await ask('two')).choices?.[0]?.message.content).toBe('Hello! How can I help you?');
  expect((await ask('one')).error?.message).toContain('No engine offers the model');
});

test.runIf(installed)('a file that is not what was added is not loaded', async () => {
  await command('models', 'default', 'one');
  const changed = Buffer.from(good);
  changed[changed.length - 100] = changed[changed.length - 100]! ^ 1;
  writeFileSync(join(models, 'one.gguf'), changed);
  const answer = await ask('one');
  expect(answer.error?.message).toContain('is not what was added');
  expect((await command('models', 'verify', 'one')).stderr).toContain('is not what was added');
  writeFileSync(join(models, 'one.gguf'), good);
});

test.runIf(installed)(
  'Ollama’s client is told what a model of ours is, and nothing made up of others',
  async () => {
    expect((await command('models', 'default', 'one')).code).toBe(0);
    const client = new Ollama({ host: appliance.url });
    const { models: listed } = await client.list();
    const of = (name: string) => listed.find((one) => one.name === name);
    const details = {
      ...{ format: 'gguf', family: 'llama', families: ['llama'] },
      ...{ parameter_size: '918.66K', quantization_level: 'Q8_0' },
    };
    expect(of('one')).toMatchObject({ size: good.length, digest: sha256, details });
    expect(of('arkalia')).toMatchObject({ size: 0, details: { format: '', families: [] } });
    const shown = await client.show({ model: 'one:latest' });
    expect(shown.details).toMatchObject(details);
    expect(shown.model_info).toMatchObject({
      'general.architecture': 'llama',
      'general.parameter_count': 918_656,
      'llama.context_length': 1024,
    });
  },
);

test('a page uploads in pieces with a key of an administrator, and nobody else does', async () => {
  const at = `${appliance.url}/models/three`;
  const piece = (headers: Record<string, string>, from: number, to: number) =>
    fetch(`${at}?at=${from}&of=${good.length}`, { method: 'POST', headers, body: good.subarray(from, to) });
  const binary = { 'content-type': 'application/octet-stream' };
  expect((await piece(binary, 0, 10)).status).toBe(401);
  expect((await piece({ ...admin, 'content-type': 'application/json' }, 0, 10)).status).toBe(415);
  expect((await piece({ ...admin, ...binary }, 0, 600_000)).status).toBe(202);
  const wrong = await piece({ ...admin, ...binary }, 700_000, 800_000);
  expect([wrong.status, (await wrong.json()) as unknown]).toMatchObject([
    409,
    { code: 'conflict', at: 600_000 },
  ]);
  expect((await piece({ ...admin, ...binary }, 600_000, good.length)).status).toBe(202);
  expect(await settled('three')).toMatchObject({ state: 'done' });
  const huge = await fetch(`${appliance.url}/models/huge?at=0&of=900000000000000`, {
    method: 'POST',
    headers: { ...admin, ...binary },
    body: good.subarray(0, 10),
  });
  expect([huge.status, ((await huge.json()) as { detail: string }).detail]).toMatchObject([
    409,
    expect.stringMatching(/needs about 900000\.0 GB .* are allowed/),
  ]);
  await fetch(at, { method: 'DELETE', headers: admin });
});

test('a model is fetched over a connection that breaks, on from where it broke', async () => {
  const ranges: (string | undefined)[] = [];
  answer = ({ headers }, response) => {
    ranges.push(headers.range);
    const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
    const head = { etag: '"x"', 'content-length': good.length - from };
    if (from === 0) {
      response.writeHead(200, head);
      response.write(good.subarray(0, 400_000), () => setTimeout(() => response.destroy(), 50));
    } else {
      const range = `bytes ${from}-${good.length - 1}/${good.length}`;
      response.writeHead(206, { ...head, 'content-range': range }).end(good.subarray(from));
    }
  };
  const url = `http://${shelfHost()}/Tiny-Chat.Q8_0.gguf`;
  const pulled = await command('models', 'pull', url, '--sha256', sha256);
  expect(pulled).toMatchObject({ code: 0, stdout: expect.stringContaining('tiny-chat.q8_0') });
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  expect(readFileSync(join(models, 'tiny-chat.q8_0.gguf')).equals(good)).toBe(true);
  expect(readdirSync(models).filter((name) => name.startsWith('.'))).toEqual([]);
  const other = await command('models', 'pull', url, '--name', 'other', '--sha256', '0'.repeat(64));
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining(`has the SHA-256 ${sha256}`) });
});

test('a fetch does not lead into this device or network, neither at once nor by a redirect', async () => {
  const port = new URL(appliance.url).port;
  let asked = 0;
  answer = (_, response) => {
    asked += 1;
    response.writeHead(302, { location: `http://127.0.0.1:${port}/health` }).end();
  };
  for (const [url, why] of [
    [`http://127.0.0.1:${port}/health`, 'not public (loopback)'],
    [`http://localhost:${port}/health`, 'not public (loopback)'],
    ['http://169.254.169.254/latest/meta-data/', 'not public (link-local)'],
    [`http://${shelfHost()}/`, 'which is not followed'],
  ] as const) {
    const pulled = await command('models', 'pull', url, '--name', 'inside');
    expect(pulled).toMatchObject({ code: 1, stderr: expect.stringContaining(why) });
    expect(pulled.stderr).toContain('models.pull_hosts');
  }
  expect(asked).toBe(1);
  expect(readdirSync(models)).not.toContain('inside.gguf');
});

test('without a server the command works on the folders themselves', async () => {
  await appliance.end();
  expect((await command('models', 'add', fixture, '--name', 'off')).code).toBe(0);
  expect((await command('models', 'list')).stdout).toContain('off');
  expect((await command('models', 'remove', 'off')).code).toBe(0);
});
