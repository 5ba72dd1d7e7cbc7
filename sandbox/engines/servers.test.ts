import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf, jobFor, sandboxOptions } from '../../test/support/sandbox-options.js';
import { type Script, ScriptedUpstream } from '../../test/support/scripted-upstream.js';
import { createPromptRunner } from '../index.js';
import type { SandboxError } from '../types.js';

/** The adapters in a real worker, through the real broker, against a server that does what a script says. */

const engines = ['ollama', 'openai'] as const;
const said = 'The secret that the engine said';
const remote = { connect_timeout_ms: 2000, idle_timeout_ms: 800 };

let upstream: ScriptedUpstream;
let runner: ReturnType<typeof createPromptRunner>;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start({ as: 'openai' });
  const at = { url: upstream.url, ...remote };
  runner = createPromptRunner(
    sandboxOptions({
      sandbox: { output_bytes_max: 20_000 },
      engines: { order: ['ollama', 'openai'], ollama: at, openai: at },
    }),
  );
  await runner.start();
});

afterAll(async () => {
  await runner.close();
  await upstream.close();
});

it('leaves out the oldest turns of a prompt for a server that says how long its context is', async () => {
  const server = await ScriptedUpstream.start({ as: 'llamacpp', contextTokens: 2048 });
  const small = createPromptRunner(
    sandboxOptions({ engines: { order: ['openai'], openai: { url: server.url, ...remote } } }),
  );
  try {
    await small.start();
    expect(small.engines().find(({ name }) => name === 'openai')?.contextTokens).toBe(2048);
    const old = { role: 'user' as const, content: 'old '.repeat(2000) };
    const messages = [
      { role: 'system' as const, content: 'S' },
      old,
      { role: 'user' as const, content: 'new' },
    ];
    expect(await answerOf(small, { ...jobFor('openai', ''), messages })).toMatchObject({ leftOut: 1 });
    const asked = JSON.parse(server.prompts.at(-1)?.body ?? '{}') as { messages: { content: string }[] };
    expect(asked.messages.map(({ content }) => content)).toEqual(['S', 'new']);
    const tooLong = answerOf(small, jobFor('openai', 'x'.repeat(13_000)));
    await expect(tooLong).rejects.toMatchObject({ code: 'context_length_exceeded' });
    expect(server.prompts).toHaveLength(1);
  } finally {
    await small.close();
    await server.close();
  }
});

const pieces = ['Hé', 'llo ', '🙂', ' end'];

function failing(code: string, script: Script, details: object = {}) {
  return [`${script.kind} ${'status' in script ? script.status : ''}`, code, script, details] as const;
}

const failures = [
  failing('engine_stalled', { kind: 'stall' }),
  failing('engine_stalled', { kind: 'stall_mid', pieces }),
  failing('engine_died', { kind: 'die' }),
  failing('engine_died', { kind: 'die_mid', pieces }),
  failing('engine_died', { kind: 'truncated', pieces }),
  failing('engine_died', { kind: 'truncated', pieces: [] }),
  failing('engine_died', { kind: 'error_mid', pieces, error: said }),
  failing('engine_died', { kind: 'error_mid', pieces: [], error: { message: said } }),
  failing('engine_died', { kind: 'error_mid', pieces, error: { code: 429, message: said } }),
  failing('engine_overloaded', { kind: 'error_mid', pieces: [], error: { code: 429, message: said } }),
  failing('context_length_exceeded', {
    kind: 'error_mid',
    pieces: [],
    error: { code: 400, type: 'exceed_context_size_error', message: said },
  }),
  failing('engine_status', { kind: 'status', status: 500, body: said }, { status: 500 }),
  failing('engine_status', { kind: 'status', status: 502, body: said }, { status: 502 }),
  failing(
    'engine_overloaded',
    { kind: 'status', status: 429, headers: { 'retry-after': '7' }, body: said },
    { status: 429, retryAfterMs: 7000 },
  ),
  failing('engine_overloaded', { kind: 'status', status: 503, body: said }, { status: 503 }),
  failing('model_not_found', { kind: 'status', status: 404, body: said }, { status: 404 }),
  failing('engine_rejected', { kind: 'status', status: 400, body: said }, { status: 400 }),
  failing('engine_rejected', { kind: 'status', status: 401, body: said }, { status: 401 }),
  failing(
    'context_length_exceeded',
    { kind: 'status', status: 400, body: `{"error":{"code":"context_length_exceeded","message":"${said}"}}` },
    { status: 400 },
  ),
  failing(
    'engine_rejected',
    { kind: 'status', status: 302, headers: { location: '/api/tags' } },
    { status: 302 },
  ),
  failing('engine_garbage', { kind: 'status', status: 204 }, { status: 204 }),
  failing('loop_detected', { kind: 'status', status: 508, body: said }, { status: 508 }),
  failing('engine_garbage', { kind: 'raw', chunks: [`<html>${said}</html>\n`] }),
  failing('engine_garbage', { kind: 'raw', chunks: [`{"unknown":"${said}"}\n`] }),
  failing('engine_garbage', { kind: 'raw', chunks: [`data: ${said}\n\n`] }),
  failing('engine_garbage', { kind: 'raw', chunks: [Buffer.from([0xff, 0xfe, 0x0a])] }),
  failing('engine_garbage', { kind: 'raw', chunks: ['x'.repeat(1_048_577)] }),
  failing('engine_garbage', { kind: 'not_http' }),
  failing('output_limit', { kind: 'ok', pieces: ['x'.repeat(20_001)] }),
  failing('output_limit', {
    kind: 'raw',
    chunks: Array.from({ length: 25 }, () => '\n'.repeat(100_000)),
  }),
];

describe.each(engines)('%s', (engine) => {
  it('answers whole, with usage, and says which model spoke', async () => {
    upstream.next({ kind: 'ok', pieces });
    expect(await answerOf(runner, jobFor(engine, 'hi', 'asked-model'))).toEqual({
      text: pieces.join(''),
      finishReason: 'stop',
      model: 'scripted-model',
      usage: { prompt_tokens: 7, completion_tokens: 4 },
    });
  });

  it('tells an answer that the length cut', async () => {
    upstream.next({ kind: 'ok', pieces: ['a'], finish: 'length' });
    expect(await answerOf(runner, jobFor(engine, 'hi'))).toMatchObject({ text: 'a', finishReason: 'length' });
  });

  it('takes an answer that is slow yet never silent for too long', async () => {
    upstream.next({ kind: 'ok', pieces: ['a', 'b', 'c', 'd', 'e', 'f'], delayMs: 200 });
    expect((await answerOf(runner, jobFor(engine, 'hi'))).text).toBe('abcdef');
  });

  it('sends messages, sampling, Via and no key', async () => {
    upstream.next({ kind: 'ok', pieces });
    const sampling = { maxTokens: 5, temperature: 0.5, topP: 0.9, seed: 3, stop: ['END'] };
    await answerOf(runner, { ...jobFor(engine, 'a "quoted"\n\u0001 question'), sampling });
    const request = upstream.prompts.at(-1);
    const body = JSON.parse(request?.body ?? '') as Record<string, unknown>;
    expect(body).toMatchObject({
      model: 'scripted-model',
      stream: true,
      messages: [{ role: 'user', content: 'a "quoted"\n\u0001 question' }],
    });
    const named = { temperature: 0.5, top_p: 0.9, seed: 3, stop: ['END'] };
    if (engine === 'ollama') expect(body.options).toEqual({ num_predict: 5, ...named });
    else expect(body).toMatchObject({ max_tokens: 5, ...named, stream_options: { include_usage: true } });
    expect(request?.path).toBe(engine === 'ollama' ? '/api/chat' : '/v1/chat/completions');
    expect(request?.headers).toMatchObject({
      via: '1.1 arkalia-test-token',
      'content-type': 'application/json',
    });
    expect(request?.headers).not.toHaveProperty('authorization');
  });

  it.each(failures)('%s is %s', async (_name, code, script, details) => {
    upstream.next(script);
    const error = await answerOf(runner, jobFor(engine, 'hi')).then(
      () => 'answered',
      (failure: SandboxError) => failure,
    );
    expect(error).toMatchObject({ name: 'SandboxError', code });
    expect((error as SandboxError).details).toEqual(details);
    expect(String((error as SandboxError).message)).not.toContain('secret');
  });

  it('stops the engine on abort', async () => {
    upstream.next({ kind: 'stall_mid', pieces });
    const abort = new AbortController();
    const answer = answerOf(runner, jobFor(engine, 'hi'), {
      signal: abort.signal,
      onDelta: () => abort.abort(),
    });
    await expect(answer).rejects.toMatchObject({ code: 'aborted' });
    expect(await upstream.prompts.at(-1)?.closed).toBe(false);
  });

  it('describes an error body by length and hash', async () => {
    upstream.next({ kind: 'status', status: 500, body: said });
    await expect(answerOf(runner, jobFor(engine, 'hi'))).rejects.toThrow(
      /status 500, 31 bytes, SHA-256 [0-9a-f]{16}/,
    );
  });

  it('keeps its workers through all of that', () => {
    const { spawned, recycled, killed } = runner.status();
    expect(killed).toEqual({ deadline: 0, out_of_memory: 0, crashed: 0, protocol: 0, aborted: 0 });
    // One that has grown under lines of a megabyte may have been replaced between two prompts.
    expect(spawned - recycled).toBe(2);
  });
});

describe('endings', () => {
  const chunk = (choice: object) => `data: ${JSON.stringify({ choices: [{ index: 0, ...choice }] })}\n\n`;

  it.each([
    ['a finish_reason without [DONE]', [chunk({ delta: { content: 'a' }, finish_reason: 'stop' })]],
    ['[DONE] without a finish_reason', [chunk({ delta: { content: 'a' } }), 'data: [DONE]\n\n']],
  ])('openai: %s is an end', async (_name, chunks) => {
    upstream.next({ kind: 'raw', chunks });
    expect(await answerOf(runner, jobFor('openai', 'hi'))).toEqual({
      text: 'a',
      finishReason: 'stop',
      model: 'scripted-model',
    });
  });

  it.each([
    ['[DONE] that is cut', 'openai', [chunk({ delta: { content: 'a' } }), 'data: [DONE]']],
    ['a line that is cut', 'ollama', ['{"message":{"content":"a"},"done":false}\n{"done":tr']],
  ] as const)('%s is none', async (_name, engine, chunks) => {
    upstream.next({ kind: 'raw', chunks: [...chunks] });
    await expect(answerOf(runner, jobFor(engine, 'hi'))).rejects.toMatchObject({ code: 'engine_died' });
  });

  it('ollama: a last line without a line feed is an end', async () => {
    upstream.next({ kind: 'raw', chunks: ['{"message":{"content":"a"},"done":false}\n', '{"done":true}'] });
    expect(await answerOf(runner, jobFor('ollama', 'hi'))).toMatchObject({ text: 'a', finishReason: 'stop' });
  });

  it('openai: a filtered answer is no whole answer', async () => {
    upstream.next({
      kind: 'raw',
      chunks: [chunk({ delta: { content: 'a' }, finish_reason: 'content_filter' })],
    });
    await expect(answerOf(runner, jobFor('openai', 'hi'))).rejects.toMatchObject({ code: 'engine_rejected' });
  });

  it('finds a character that is cut between two reads', async () => {
    const bytes = Buffer.from('{"message":{"content":"é🙂"},"done":true}\n');
    upstream.next({ kind: 'raw', chunks: Array.from(bytes, (byte) => Buffer.from([byte])) });
    expect((await answerOf(runner, jobFor('ollama', 'hi'))).text).toBe('é🙂');
  });
});
