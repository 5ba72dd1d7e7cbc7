import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { answerOf, embeddedOptions, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { createPromptRunner, type Incident } from './index.js';
import { closedToOthers, isRoot } from './levels/identity.js';
import { isInstalled } from './models.js';
import type { EmbeddedOptions } from './options.js';
import type { EngineView, PromptRunner } from './types.js';

// Compiled tests stand two folders deep in dist; the fixtures stay where they are.
const fixtures = new URL('../../test/fixtures/models/', import.meta.url);
const modelFile = fileURLToPath(new URL('tiny-chat.gguf', fixtures));
const expected = JSON.parse(readFileSync(new URL('tiny-chat.expect.json', fixtures), 'utf8')) as [
  string,
  string,
][];
const installed = isInstalled('node-llama-cpp');

type Runner = ReturnType<typeof createPromptRunner>;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(
  embedded: Partial<EmbeddedOptions> = {},
  changes: { internal?: object; onIncident?: (incident: Incident) => void } = {},
): Promise<Runner> {
  const runner = createPromptRunner(
    sandboxOptions({
      ...changes,
      models_dir: fileURLToPath(fixtures),
      engines: {
        order: ['embedded', 'navigator'],
        embedded: embeddedOptions(embedded),
      },
    }),
  );
  cleanups.push(() => runner.close());
  await runner.start();
  return runner;
}

const view = (runner: PromptRunner): EngineView =>
  runner.engines().find((one) => one.name === 'embedded') as EngineView;
const job = (question: string, sampling: object = {}) => ({
  ...jobFor('embedded', question, 'tiny-chat'),
  sampling: { temperature: 0, ...sampling },
});

describe('without node-llama-cpp', () => {
  it('says what is missing and how to get it', async () => {
    const runner = await started(
      { model_file: modelFile },
      { internal: { llamaPackage: 'no-such-package-here' } },
    );
    expect(view(runner)).toMatchObject({
      state: 'absent',
      models: [],
      problem: expect.stringContaining('npm install node-llama-cpp@3.21.1'),
    });
    await expect(answerOf(runner, job('Hello'))).rejects.toThrow('npm install node-llama-cpp@3.21.1');
  });

  it.runIf(!installed)('THE PACKAGE IS NOT INSTALLED HERE: nothing below was run', async () => {
    console.error('node-llama-cpp is not installed: the embedded engine was not tested with a model');
    const runner = await started();
    expect(view(runner)).toMatchObject({
      state: 'absent',
      problem: expect.stringContaining('not installed'),
    });
  });
});

describe.runIf(installed)('the embedded model', () => {
  it('gives the exact answers at temperature 0, with usage, one prompt not touching the next', async () => {
    const runner = await started();
    expect(view(runner)).toEqual({
      name: 'embedded',
      state: 'found',
      where: modelFile,
      models: ['tiny-chat'],
      defaultModel: 'tiny-chat',
      loaded: false,
    });
    const answers = await Promise.all(expected.map(([question]) => answerOf(runner, job(question))));
    for (const [i, [question, text]] of expected.entries()) {
      expect(answers[i], question).toMatchObject({ text, finishReason: 'stop', model: 'tiny-chat' });
      expect(answers[i]?.usage?.completion_tokens).toBeGreaterThan(1);
    }
    expect(view(runner).loaded).toBe(true);
    expect(answers[0]?.usage?.prompt_tokens).toBeLessThan(answers[7]?.usage?.prompt_tokens as number);
  });

  it('keeps to maxTokens and stop', async () => {
    const runner = await started();
    expect(await answerOf(runner, job('Hello', { maxTokens: 3 }))).toMatchObject({
      finishReason: 'length',
      usage: { completion_tokens: 3 },
    });
    const stopped = await answerOf(runner, job('What is the capital of Japan?', { stop: [' is'] }));
    expect(stopped).toMatchObject({ text: 'The capital of Japan', finishReason: 'stop' });
  });

  it('holds its answer to a JSON Schema, and to JSON', async () => {
    const runner = await started();
    const schema = {
      type: 'object',
      properties: { city: { enum: ['Paris', 'Tokyo'] }, sure: { type: 'boolean' } },
      required: ['city', 'sure'],
      additionalProperties: false,
    };
    const { text, finishReason } = await answerOf(runner, { ...job('Where?'), format: { schema } });
    expect(finishReason).toBe('stop');
    const value = JSON.parse(text) as { city: string; sure: boolean };
    expect(['Paris', 'Tokyo']).toContain(value.city);
    expect(typeof value.sure).toBe('boolean');
    expect((await answerOf(runner, { ...job('Hi', { maxTokens: 8 }), format: 'json' })).text).toMatch(
      /^\s*[[{"\d]/,
    );
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
  });

  it('takes tools and a conversation with a call in it; tools and a format together are refused', async () => {
    const runner = await started();
    const tools = [
      { name: 'clock', description: 'The time', parameters: { type: 'object', properties: {} } },
    ];
    const { messages } = job('What time is it?');
    const toolCalls = [{ id: 'a', name: 'clock', arguments: '{}' }];
    const conversation = [
      ...messages,
      { role: 'assistant' as const, content: '', toolCalls },
      { role: 'tool' as const, content: 'noon', answers: { id: 'a', name: 'clock' } },
    ];
    const asked = { ...job('', { maxTokens: 8 }), messages: conversation, tools };
    expect(['stop', 'length', 'tool_calls']).toContain((await answerOf(runner, asked)).finishReason);
    const refused = answerOf(runner, { ...job('Hi'), tools, format: 'json' });
    await expect(refused).rejects.toMatchObject({ code: 'unsupported' });
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
  });

  it.each([0, 1.5])(
    'calls a tool that must be called, once and in its form, at temperature %s',
    async (temperature) => {
      const runner = await started();
      const city = { type: 'object', properties: { city: { enum: ['Paris', 'Tokyo'] } }, required: ['city'] };
      const tools = [
        { name: 'weather', description: 'The weather', parameters: city },
        { name: 'clock', parameters: {} },
        { name: '__proto__' },
      ];
      // The toy model was never shown a tool: nothing but the grammar makes it call one.
      expect((await answerOf(runner, { ...job('ping'), tools })).calls).toBeUndefined();
      const made = new Set<string>();
      for (let seed = 0; seed < 4; seed += 1) {
        const asked = { ...job('ping', { temperature, seed, maxTokens: 100 }), tools };
        for (const toolChoice of [
          'required',
          { name: 'weather' },
          { name: 'clock' },
          { name: '__proto__' },
        ] as const) {
          const { text, calls = [], finishReason } = await answerOf(runner, { ...asked, toolChoice });
          expect({ text, finishReason }).toEqual({ text: '', finishReason: 'tool_calls' });
          expect(calls).toHaveLength(1);
          const [{ name = '', arguments: args = '' } = {}] = calls;
          if (toolChoice !== 'required') expect(name).toBe(toolChoice.name);
          expect(tools.map((tool) => tool.name)).toContain(name);
          if (name === 'weather') expect(['Paris', 'Tokyo']).toContain(JSON.parse(args).city);
          else expect(args).toBe('{}');
          made.add(name);
        }
      }
      expect(made.size).toBe(3);
      const cut = answerOf(runner, { ...job('ping', { maxTokens: 1 }), tools, toolChoice: 'required' });
      expect(await cut).toMatchObject({ text: '', finishReason: 'length' });
      expect((await cut).calls).toBeUndefined();
      const none = answerOf(runner, { ...job('ping'), tools, toolChoice: { name: 'other' } });
      await expect(none).rejects.toMatchObject({ code: 'unsupported' });
      expect((await answerOf(runner, job('ping'))).text).toBe('pong');
    },
  );

  it('holds format and arguments to what real clients send: alternatives, definitions, nothing, long texts', async () => {
    const runner = await started();
    const parameters = {
      type: 'object',
      properties: {
        city: { anyOf: [{ enum: ['Paris'] }, { enum: ['Tokyo'] }] },
        unit: { allOf: [{ $ref: '#/definitions/unit' }] },
        address: { type: 'string', format: 'email', minLength: 2, maxLength: 5 },
        place: { type: ['object', 'null'], properties: { sure: { type: 'boolean' } } },
        more: {},
      },
      definitions: { unit: { enum: ['C', 'F'] } },
    };
    const tools = [{ name: 'weather', parameters }];
    let complete = 0;
    for (let seed = 0; seed < 3; seed += 1) {
      const asked = job('ping', { temperature: 1, seed, maxTokens: 600 });
      const whole = await answerOf(runner, { ...asked, format: { schema: parameters } });
      const call = await answerOf(runner, { ...asked, tools, toolChoice: 'required' });
      for (const [json, { finishReason }] of [
        [whole.text, whole],
        [call.calls?.[0]?.arguments ?? '', call],
      ] as const) {
        // A toy may talk to the end of its context.
        if (finishReason === 'length') continue;
        complete += 1;
        const { city, unit, address, place, more } = JSON.parse(json);
        expect(['Paris', 'Tokyo']).toContain(city);
        expect(['C', 'F']).toContain(unit);
        expect([2, 3, 4, 5]).toContain([...address].length);
        if (place !== null) expect(typeof place.sure).toBe('boolean');
        expect(typeof more).not.toBe('undefined');
      }
    }
    expect(complete).toBeGreaterThan(0);
    // More than fits: it is cut like any answer, with or without tools.
    const note = {
      type: 'object',
      properties: { note: { type: 'string', minLength: 900, maxLength: 2000 } },
    };
    const long = job('ping', { temperature: 1, seed: 1 });
    for (const wish of [
      { format: { schema: note } },
      { tools: [{ name: 'say', parameters: note }], toolChoice: 'required' as const },
    ])
      expect(await answerOf(runner, { ...long, ...wish })).toMatchObject({ finishReason: 'length' });
  });

  it('outlives tools and formats of which no grammar can be made, and so do the other prompts', async () => {
    const incidents: Incident[] = [];
    const runner = await started({ sequences: 2 }, { onIncident: (incident) => incidents.push(incident) });
    const of = (schema: unknown) => schema as Record<string, unknown>;
    const hostile = [
      { type: 'foo' },
      { type: 'object', properties: { a: null } },
      { type: 'object', properties: { a: { enum: [] } } },
      { type: 'object', properties: { a: { $ref: 7 } } },
      { type: 'string', enum: ['no object'] },
      { oneOf: 'x' },
    ];
    for (const schema of hostile) {
      const parameters = of(schema);
      const tools = [{ name: 'a', parameters }];
      for (const wish of [
        { tools },
        { tools, toolChoice: 'required' as const },
        { format: { schema: parameters } },
      ]) {
        const [outcome, other] = await Promise.all([
          answerOf(runner, { ...job('ping', { maxTokens: 40 }), ...wish }).then(
            ({ finishReason }) => finishReason,
            ({ code }: { code: string }) => code,
          ),
          answerOf(runner, job('What is the capital of Japan?')),
        ]);
        const words = ['stop', 'length', 'tool_calls', 'unsupported', 'engine_garbage'];
        expect(words, JSON.stringify(wish)).toContain(outcome);
        expect(other.text).toBe('The capital of Japan is Tokyo.');
      }
    }
    const named = { ...job('ping'), tools: [{ name: 'a b' }], toolChoice: 'required' as const };
    await expect(answerOf(runner, named)).rejects.toMatchObject({ code: 'unsupported' });
    expect(incidents).toEqual([]);
  });

  it('reads marks of its template in a message as plain text', async () => {
    const runner = await started();
    const tokens = async (question: string) =>
      (await answerOf(runner, job(question, { maxTokens: 1 }))).usage?.prompt_tokens ?? 0;
    const marks = ['<|im_end|>', '<|im_start|>', '<s>', '</s>'];
    for (const mark of marks) {
      // One that was believed would be one token.
      expect(await tokens(`a${mark.repeat(5)}b`), mark).toBeGreaterThan((await tokens('ab')) + 10);
    }
  });

  it('gives vectors of length 1, the same for the same text, in order; one that is too long is refused', async () => {
    const runner = await started({ context_tokens: 128 });
    const embed = (...texts: string[]) =>
      answerOf(runner, { engine: 'embedded', model: 'tiny-chat', embed: texts });
    const { vectors = [], usage } = await embed('ping', 'What is the capital of Japan?', 'ping');
    expect(vectors).toHaveLength(3);
    for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    expect(vectors[2]).toEqual(vectors[0]);
    expect(vectors[1]).not.toEqual(vectors[0]);
    expect(usage?.prompt_tokens).toBeGreaterThan(2);
    await expect(embed('ping', 'word '.repeat(300))).rejects.toMatchObject({
      code: 'context_length_exceeded',
    });
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
  });

  it('leaves out the oldest turns, counted by the model, and says how many messages; the system message stays', async () => {
    const runner = await started({ context_tokens: 128 });
    const turn = (i: number) => [
      { role: 'user' as const, content: `ping ${i}` },
      { role: 'assistant' as const, content: 'pong '.repeat(10) },
    ];
    const messages = [
      { role: 'system' as const, content: 'Be brief.' },
      ...Array.from({ length: 12 }, (_, i) => turn(i)).flat(),
      { role: 'user' as const, content: 'ping' },
    ];
    const whole: unknown[] = [];
    for await (const event of runner.run(
      { ...job('ping'), messages },
      { timeoutMs: 20_000, signal: new AbortController().signal },
    ))
      whole.push(event);
    const done = whole.at(-1) as { leftOut: number; usage: { prompt_tokens: number } };
    expect(done.leftOut).toBeGreaterThan(0);
    expect(done.leftOut % 2).toBe(0);
    expect(done.leftOut).toBeLessThan(24);
    // llama.cpp makes 256 of 128, and a quarter is left for the answer.
    expect(done.usage.prompt_tokens).toBeLessThanOrEqual(192);
    expect(await answerOf(runner, job('ping'))).not.toHaveProperty('leftOut');
  });

  it('refuses a prompt that is longer than its context, and a model that is not loaded', async () => {
    const runner = await started({ context_tokens: 128 });
    await expect(answerOf(runner, job('word '.repeat(300)))).rejects.toMatchObject({
      code: 'context_length_exceeded',
    });
    await expect(answerOf(runner, jobFor('embedded', 'Hello', 'other'))).rejects.toMatchObject({
      code: 'model_not_found',
    });
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
  });

  it('stops on abort and serves the next prompt from the same process', async () => {
    const incidents: Incident[] = [];
    const runner = await started({}, { onIncident: (incident) => incidents.push(incident) });
    const abort = new AbortController();
    const answer = answerOf(runner, job('Tell me a story.'), {
      signal: abort.signal,
      onDelta: () => abort.abort(),
    });
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
    expect(incidents).toEqual([]);
  });

  it('is killed beyond its memory, says so, and tries again later', async () => {
    const incidents: Incident[] = [];
    const runner = await started(
      { memory_bytes: 50_000_000, model_file: modelFile },
      { onIncident: (incident) => incidents.push(incident) },
    );
    await expect(answerOf(runner, job('Hello'))).rejects.toMatchObject({
      code: 'engine_unreachable',
      message: expect.stringContaining('engines.embedded.memory_bytes'),
      details: { retryAfterMs: expect.any(Number) },
    });
    expect(incidents).toEqual([{ cause: 'out_of_memory', child: 'model', engine: 'embedded' }]);
    expect((await runner.refreshEngines()).find((one) => one.name === 'embedded')).toMatchObject({
      state: 'absent',
      problem: expect.stringContaining('memory'),
    });
  });

  it('says that a damaged file cannot be loaded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-models-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    chmodSync(folder, 0o755);
    const file = join(folder, 'damaged.gguf');
    writeFileSync(file, readFileSync(modelFile).subarray(0, 2000));
    const runner = await started({ model_file: file });
    await expect(answerOf(runner, job('Hello'))).rejects.toMatchObject({
      code: 'engine_unreachable',
      message: expect.stringContaining('damaged'),
    });
    expect(view(runner).problem ?? (await runner.refreshEngines())[2]?.problem).toContain('damaged');
  });
});

/** The children of root are somebody else only where others can read the program. */
const isSomebodyElse = isRoot() && closedToOthers(fileURLToPath(import.meta.url)) === undefined;

describe.runIf(installed && isSomebodyElse)('a model that only root can read', () => {
  it('is not loaded, since its process is somebody else, and the cure is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-models-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'private.gguf');
    writeFileSync(file, readFileSync(modelFile));
    const runner = await started({ model_file: file });
    await expect(answerOf(runner, job('Hello'))).rejects.toThrow(
      `cannot read ${folder}; make it readable for all`,
    );
  });
});

describe('the process of a model', () => {
  const internal = { modelHostEntry: new URL('../test/support/faulty-model.js', import.meta.url) };

  it.each([
    ['crash', 'engine_died', 'crashed'],
    ['hang', 'engine_stalled', 'stalled'],
    ['noise', 'engine_died', 'protocol'],
  ] as const)('%s: fails its prompt as %s, and a new one serves the next', async (fault, code, cause) => {
    const incidents: Incident[] = [];
    const runner = await started(
      { idle_timeout_ms: 5000 },
      { internal, onIncident: (incident) => incidents.push(incident) },
    );
    await expect(answerOf(runner, job(fault))).rejects.toMatchObject({ code });
    expect((await answerOf(runner, job('hello'))).text).toBe('good: hello');
    expect(incidents).toEqual([{ cause, child: 'model', engine: 'embedded' }]);
  });

  it('works on one prompt at a time, and leaves out those that were given up while they waited', async () => {
    const runner = await started({}, { internal });
    const abort = new AbortController();
    const first = answerOf(runner, job('slow'));
    const second = answerOf(runner, job('second'), { signal: abort.signal });
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'aborted' });
    expect((await first).text).toBe('good: slow');
    expect((await answerOf(runner, job('count'))).text).toBe('2 prompts');
  });
});
