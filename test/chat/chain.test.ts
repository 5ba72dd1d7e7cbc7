import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';
import { completion, ledgerEvents, noBreaker, startAppliance } from './support.js';

const config = `
[engines]
order = ["openai", "ollama", "navigator"]

[aliases]
quick = ["openai", "ollama/large"]
device = ["navigator"]
reader = ["embedded", "ollama"]
`;

describe('which engine answers', () => {
  let folder: string;
  let openai: ScriptedUpstream;
  let ollama: ScriptedUpstream;
  let appliance: TestAppliance;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'arkalia-chain-'));
    const file = join(folder, 'arkalia.toml');
    await writeFile(file, config);
    openai = await ScriptedUpstream.start({ models: ['quill', 'shared'] });
    ollama = await ScriptedUpstream.start({
      as: 'ollama',
      models: ['small', 'large', 'shared', 'tagged:latest'],
    });
    appliance = await startAppliance(
      { ...noBreaker, ARKALIA_ENGINES_OPENAI_URL: openai.url, ARKALIA_ENGINES_OLLAMA_URL: ollama.url },
      ['--config', file],
    );
  });
  beforeEach(() => {
    for (const upstream of [openai, ollama]) {
      upstream.requests.length = 0;
      upstream.always({ kind: 'ok', pieces: ['Hello.'] });
    }
  });
  afterAll(async () => {
    await appliance?.close();
    await Promise.all([openai?.close(), ollama?.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  const askV1 = async (model?: string) => {
    const response = await appliance.post('/v1/chat/completions', completion('How are you?', { model }));
    const body = (await response.json()) as { arkalia?: { engine: string }; error?: { code: string } };
    return body.arkalia?.engine ?? `${response.status} ${body.error?.code}`;
  };
  const askChat = async (model?: string) => {
    const response = await appliance.post('/chat', { message: 'How are you?', model });
    const body = (await response.json()) as { engine?: string; code?: string };
    return body.engine ?? `${response.status} ${body.code}`;
  };
  const modelsAsked = (upstream: ScriptedUpstream) =>
    upstream.prompts.map(({ body }) => (JSON.parse(body) as { model: string }).model);

  test('no model: the first of the configured order with its first model', async () => {
    expect([await askV1(), await askChat()]).toEqual(['openai', 'openai']);
    expect(modelsAsked(openai)).toEqual(['quill', 'quill']);
    expect(modelsAsked(ollama)).toEqual([]);
  });

  test('a failure leads to the next of the order, and the event says what was skipped', async () => {
    openai.always({ kind: 'status', status: 500 });
    expect(await askV1()).toBe('ollama');
    expect(modelsAsked(ollama)).toEqual(['small']);
    const event = (await ledgerEvents(appliance, 'type=chat_answered')).at(-1);
    expect(event?.data).toMatchObject({
      engine: 'ollama',
      model: 'small',
      skipped: [{ engine: 'openai', cause: 'engine_status' }],
    });
  });

  test.each([
    ['quill', 'openai', 'quill'],
    ['large', 'ollama', 'large'],
    ['shared', 'openai', 'shared'],
    ['ollama/shared', 'ollama', 'shared'],
    ['openai/shared', 'openai', 'shared'],
    ['tagged', 'ollama', 'tagged:latest'],
    ['quick', 'openai', 'quill'],
    ['reader', 'ollama', 'small'],
  ])('the model %s is answered by %s with %s', async (model, engine, asked) => {
    expect(await askV1(model)).toBe(engine);
    expect(await askChat(model)).toBe(engine);
    expect(modelsAsked(engine === 'openai' ? openai : ollama)).toEqual([asked, asked]);
    expect(modelsAsked(engine === 'openai' ? ollama : openai)).toEqual([]);
  });

  test.each(['quill', 'openai/quill', 'openai/shared'])(
    '%s is answered by that model or not at all',
    async (model) => {
      openai.always({ kind: 'status', status: 500 });
      expect([await askV1(model), await askChat(model)]).toEqual(['502 engine_failed', '502 engine_failed']);
      expect(modelsAsked(ollama)).toEqual([]);
    },
  );

  test('a model that two engines have goes on to the other', async () => {
    openai.always({ kind: 'die' });
    expect(await askV1('shared')).toBe('ollama');
    expect(modelsAsked(ollama)).toEqual(['shared']);
  });

  test('an alias is tried in its own order, with the models that it names', async () => {
    openai.always({ kind: 'die' });
    expect(await askV1('quick')).toBe('ollama');
    expect(modelsAsked(ollama)).toEqual(['large']);
  });

  test.each(['embedded/any', 'ollama/none', 'nobody', 'Quill', ''])(
    'nobody offers the model %j',
    async (model) => {
      expect([await askV1(model), await askChat(model)]).toEqual([
        '404 model_not_found',
        '404 model_not_found',
      ]);
      expect([...modelsAsked(openai), ...modelsAsked(ollama)]).toEqual([]);
    },
  );

  test('navigator is the last resort of /chat and of the model arkalia, never of /v1 without a model', async () => {
    for (const upstream of [openai, ollama]) upstream.always({ kind: 'status', status: 500 });
    expect(await askV1()).toBe('502 engine_failed');
    expect(await askChat()).toBe('navigator');
    expect(await askV1('arkalia')).toBe('navigator');
    expect(await askChat('arkalia')).toBe('navigator');
    expect(await askV1('quick')).toBe('502 engine_failed');
    expect(await askChat('quick')).toBe('502 engine_failed');
  });

  test('an alias may list navigator', async () => {
    expect([await askV1('device'), await askChat('device')]).toEqual(['navigator', 'navigator']);
    expect([...modelsAsked(openai), ...modelsAsked(ollama)]).toEqual([]);
  });

  test('the aliases are listed beside the models', async () => {
    const { data } = (await appliance.json('/v1/models')) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual([
      'arkalia',
      'quick',
      'device',
      'reader',
      'small',
      'large',
      'shared',
      'tagged:latest',
      'quill',
      'navigator',
    ]);
  });
});
