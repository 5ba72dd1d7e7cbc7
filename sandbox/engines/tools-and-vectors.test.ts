import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf, jobFor, sandboxOptions } from '../../test/support/sandbox-options.js';
import { type Script, ScriptedUpstream, vectorOf } from '../../test/support/scripted-upstream.js';
import { createPromptRunner } from '../index.js';

/** Tools, formats and vectors: the adapters in a real worker, through the real broker, against a scripted server. */

const engines = ['ollama', 'openai'] as const;
const remote = { connect_timeout_ms: 2000, idle_timeout_ms: 800 };
const pieces = ['Some ', 'words.'];

let upstream: ScriptedUpstream;
let runner: ReturnType<typeof createPromptRunner>;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start({ as: 'openai' });
  const at = { url: upstream.url, ...remote };
  runner = createPromptRunner(
    sandboxOptions({ engines: { order: ['ollama', 'openai'], ollama: at, openai: at } }),
  );
  await runner.start();
});

afterAll(async () => {
  await runner.close();
  await upstream.close();
});

describe.each(engines)('%s: tools, formats and vectors', (engine) => {
  const tools = [
    { name: 'weather', description: 'Of a city', parameters: { type: 'object', properties: {} } },
  ];
  const bodyOf = () => JSON.parse(upstream.prompts.at(-1)?.body ?? '') as Record<string, unknown>;

  it('hands tools on, and a call back whole', async () => {
    const calls = [
      { name: 'weather', arguments: { city: 'Zürich', days: [1, 2] } },
      { name: 'weather', arguments: {} },
    ];
    upstream.next({ kind: 'calls', pieces: ['I look. '], calls });
    const answer = await answerOf(runner, { ...jobFor(engine, 'hi'), tools });
    expect(answer).toMatchObject({ text: 'I look. ', finishReason: 'tool_calls' });
    expect(answer.calls?.map(({ name, arguments: args }) => ({ name, arguments: JSON.parse(args) }))).toEqual(
      calls,
    );
    expect(answer.calls?.map(({ id }) => id)).toEqual(
      engine === 'openai' ? ['upstream-0', 'upstream-1'] : ['', ''],
    );
    expect(bodyOf().tools).toEqual([{ type: 'function', function: tools[0] }]);
  });

  it('tells the engine which call a result answers', async () => {
    upstream.next({ kind: 'ok', pieces });
    const toolCalls = [{ id: 'c1', name: 'weather', arguments: '{"city":"Bern"}' }];
    const messages = [
      { role: 'assistant' as const, content: '', toolCalls },
      { role: 'tool' as const, content: 'sunny', answers: { id: 'c1', name: 'weather' } },
    ];
    await answerOf(runner, { ...jobFor(engine, ''), messages });
    const said =
      engine === 'ollama'
        ? {
            call: { function: { name: 'weather', arguments: { city: 'Bern' } } },
            result: { tool_name: 'weather' },
          }
        : {
            call: { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
            result: { tool_call_id: 'c1' },
          };
    expect(bodyOf().messages).toEqual([
      { role: 'assistant', content: '', tool_calls: [said.call] },
      { role: 'tool', content: 'sunny', ...said.result },
    ]);
  });

  it('asks for JSON and for a schema', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } } };
    for (const format of ['json' as const, { schema }]) {
      upstream.next({ kind: 'ok', pieces: ['{}'] });
      await answerOf(runner, { ...jobFor(engine, 'hi'), format });
      const asked = format === 'json' ? 'json' : schema;
      if (engine === 'ollama') expect(bodyOf().format).toEqual(asked);
      else
        expect(bodyOf().response_format).toEqual(
          format === 'json'
            ? { type: 'json_object' }
            : { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
        );
    }
  });

  it('insists on a tool where the API has a word for it', async () => {
    const answer = answerOf(runner, { ...jobFor(engine, 'hi'), tools, toolChoice: { name: 'weather' } });
    if (engine === 'ollama') await expect(answer).rejects.toMatchObject({ code: 'unsupported' });
    else {
      await answer;
      expect(bodyOf().tool_choice).toEqual({ type: 'function', function: { name: 'weather' } });
    }
  });

  const embed = (texts: string[]) => answerOf(runner, { engine, model: 'scripted-model', embed: texts });

  it('gives the vectors of all texts in their order', async () => {
    upstream.next({ kind: 'ok', pieces });
    const texts = ['a', 'bcd', '🙂'];
    const { vectors, usage, model } = await embed(texts);
    expect({ vectors, usage, model }).toEqual({
      vectors: texts.map(vectorOf),
      usage: { prompt_tokens: 9, completion_tokens: 0 },
      model: 'scripted-model',
    });
  });

  const vectors = (list: unknown) =>
    JSON.stringify({
      embeddings: list,
      data: Array.isArray(list) ? list.map((embedding, index) => ({ index, embedding })) : list,
    });
  it.each<[string, string, Script]>([
    ['fewer vectors than texts', 'engine_garbage', { kind: 'raw', chunks: [vectors([[1]])] }],
    ['vectors of different lengths', 'engine_garbage', { kind: 'raw', chunks: [vectors([[1], [1, 2]])] }],
    ['empty vectors', 'engine_garbage', { kind: 'raw', chunks: [vectors([[], []])] }],
    ['words instead of figures', 'engine_garbage', { kind: 'raw', chunks: [vectors([['a'], ['b']])] }],
    ['no list', 'engine_garbage', { kind: 'raw', chunks: [vectors(7)] }],
    ['no JSON', 'engine_garbage', { kind: 'raw', chunks: ['<html>'] }],
    ['no such service', 'unsupported', { kind: 'status', status: 501 }],
    ['no such method', 'unsupported', { kind: 'status', status: 405 }],
    ['an error', 'engine_status', { kind: 'status', status: 500 }],
    ['a dead connection', 'engine_died', { kind: 'die' }],
    ['silence', 'engine_stalled', { kind: 'stall' }],
  ])('%s is %s', async (_name, code, script) => {
    upstream.next(script);
    await expect(embed(['a', 'b'])).rejects.toMatchObject({ code });
  });
});

describe('tool calls that are none', () => {
  const chunk = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;
  const part = (name: string, args: string) =>
    chunk({ delta: { tool_calls: [{ index: 0, id: 'x', function: { name, arguments: args } }] } });

  it.each([
    ['openai', [part('f', '{"a":'), chunk({ finish_reason: 'tool_calls' })]],
    ['openai', [part('', '{}'), chunk({ finish_reason: 'tool_calls' })]],
    ['openai', [part('f', '[1]'), chunk({ finish_reason: 'tool_calls' })]],
    [
      'ollama',
      ['{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":"{"}}]},"done":true}\n'],
    ],
    ['ollama', ['{"message":{"content":"","tool_calls":[7]},"done":true}\n']],
  ] as const)('%s: %j is garbage', async (engine, chunks) => {
    upstream.next({ kind: 'raw', chunks: [...chunks] });
    await expect(answerOf(runner, jobFor(engine, 'hi'))).rejects.toMatchObject({ code: 'engine_garbage' });
  });

  it('a call that the length limit cut is left out, and the reason says so', async () => {
    upstream.next({ kind: 'raw', chunks: [part('f', '{"a":'), chunk({ finish_reason: 'length' })] });
    const answer = await answerOf(runner, jobFor('openai', 'hi'));
    expect(answer).toMatchObject({ finishReason: 'length' });
    expect(answer.calls).toBeUndefined();
  });

  it('more calls than anyone needs are too much', async () => {
    const delta = (index: number) => ({
      delta: { tool_calls: [{ index, function: { name: 'f', arguments: '{}' } }] },
    });
    const chunks = Array.from({ length: 129 }, (_, index) => chunk(delta(index)));
    upstream.next({ kind: 'raw', chunks });
    await expect(answerOf(runner, jobFor('openai', 'hi'))).rejects.toMatchObject({ code: 'output_limit' });
  });
});
