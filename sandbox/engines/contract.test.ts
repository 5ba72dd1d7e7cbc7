import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf, embeddedOptions, jobFor, sandboxOptions } from '../../test/support/sandbox-options.js';
import { type Script, ScriptedUpstream } from '../../test/support/scripted-upstream.js';
import { createPromptRunner, type Sandbox } from '../index.js';
import { isInstalled } from '../models.js';
import type { SandboxOptions } from '../options.js';
import type { ChatJob, EngineKind } from '../types.js';

/**
 * What every engine must keep, asked through a real worker: the servers against one that does what a script says, the embedded engine with
 * the tiny model of the fixtures, the built-in assistant as it is. What an engine does not have is named, not left out. With the variable
 * ARKALIA_TEST_MODEL the embedded engine is asked with that GGUF file, too: a real one that answers the question so.
 */

interface Subject {
  engine: EngineKind;
  /** What it is asked, and the whole of what it answers. */
  question: string;
  answer: string;
  model: string;
  /** Whether it counts tokens, keeps to a length and to stops, has a context, can be without a model. */
  counts: boolean;
  /** Another model file than that of the fixtures. */
  file?: string;
}

const pieces = ['Heat ', 'moves ', 'up, ', 'é 🙂 ', 'and stops.'];
const fixtures = fileURLToPath(new URL('../../../test/fixtures/models/', import.meta.url));

let upstream: ScriptedUpstream;
const scripted = (engine: 'ollama' | 'openai'): Subject => ({
  engine,
  question: 'How does a heat pump work?',
  answer: pieces.join(''),
  model: 'scripted-model',
  counts: true,
});
const subjects: Subject[] = [
  scripted('ollama'),
  scripted('openai'),
  { ...scripted('ollama'), engine: 'navigator', question: '', answer: '', model: 'navigator', counts: false },
];
if (isInstalled('node-llama-cpp')) {
  const question = 'What is the capital of Japan?';
  const answer = 'The capital of Japan is Tokyo.';
  subjects.push({ engine: 'embedded', question, answer, model: 'tiny-chat', counts: true });
  const file = process.env.ARKALIA_TEST_MODEL;
  if (file !== undefined)
    subjects.push({
      engine: 'embedded',
      question,
      answer,
      model: basename(file, '.gguf'),
      counts: true,
      file,
    });
} else
  console.error('\nTHE EMBEDDED ENGINE IS NOT TESTED BY THE CONTRACT: node-llama-cpp is not installed.\n');

const runners: Sandbox[] = [];
async function started(engines: Partial<SandboxOptions['engines']>, modelHostEntry?: URL): Promise<Sandbox> {
  const runner = createPromptRunner(
    sandboxOptions({
      models_dir: fixtures,
      engines: {
        order: ['ollama', 'openai', 'embedded', 'navigator'],
        embedded: embeddedOptions({ context_tokens: 256 }),
        ...engines,
      },
      ...(modelHostEntry === undefined ? {} : { internal: { modelHostEntry } }),
    }),
  );
  runners.push(runner);
  await runner.start();
  return runner;
}

let shared: Sandbox;
let ollama: ScriptedUpstream;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start({ as: 'openai' });
  upstream.always({ kind: 'ok', pieces });
  // Asked what it is, each API has its own answer; prompts of both go to the first.
  ollama = await ScriptedUpstream.start({ as: 'ollama' });
  ollama.always({ kind: 'ok', pieces });
  const times = { connect_timeout_ms: 2000, idle_timeout_ms: 10_000 };
  shared = await started({ openai: { url: upstream.url, ...times }, ollama: { url: ollama.url, ...times } });
});
afterAll(async () => {
  for (const one of runners) await one.close();
  await upstream?.close();
  await ollama?.close();
});

// A real model takes its time on a small machine.
const timeout = process.env.ARKALIA_TEST_MODEL === undefined ? 30_000 : 240_000;

describe.each(subjects)('$engine, $model', { timeout }, (subject) => {
  const { engine, question, answer, model, counts, file } = subject;
  const own =
    file === undefined ? {} : { embedded: embeddedOptions({ context_tokens: 256, model_file: file }) };
  let runner: Sandbox;
  beforeAll(async () => {
    runner = file === undefined ? shared : await started({ order: ['embedded'], ...own });
  }, timeout);

  const isServer = engine === 'ollama' || engine === 'openai';
  const next = (script: Script) => (engine === 'ollama' ? ollama : upstream).next(script);
  const job = (sampling: object = {}): ChatJob => {
    const made = jobFor(engine, question, model);
    return { ...made, sampling: { ...made.sampling, ...sampling } };
  };
  const ask = (asked: ChatJob = job(), options: Parameters<typeof answerOf>[2] = {}) =>
    answerOf(runner, asked, { timeoutMs: timeout, ...options });

  it('load: it is found, and lists the model that answers', async () => {
    expect(runner.engines().find(({ name }) => name === engine)).toMatchObject({
      state: 'found',
      models: [model],
      defaultModel: model,
    });
    expect((await ask()).model).toBe(model);
  });

  it('stream: pieces that make up the answer, then one ending; the same when asked again, and for several at once', async () => {
    const deltas: string[] = [];
    const whole = await ask(job(), { onDelta: (text) => deltas.push(text) });
    expect(whole.finishReason).toBe('stop');
    expect(deltas.join('')).toBe(whole.text);
    expect(deltas.length).toBeGreaterThan(1);
    if (answer !== '') expect(whole.text).toBe(answer);
    const more = await Promise.all([ask(), ask(), ask()]);
    expect(more.map(({ text }) => text)).toEqual([whole.text, whole.text, whole.text]);
  });

  it.runIf(counts)('stop: it keeps to a longest answer, and is told what ends one', async () => {
    if (isServer) next({ kind: 'ok', pieces: pieces.slice(0, 2), finish: 'length' });
    const cut = await ask(job({ maxTokens: 2 }));
    expect(cut.finishReason).toBe('length');
    expect(cut.usage?.completion_tokens).toBe(2);
    const stopped = await ask(job({ stop: [' is'] }));
    if (!isServer) expect(stopped.text).toBe('The capital of Japan');
    else {
      const body = JSON.parse((engine === 'ollama' ? ollama : upstream).prompts.at(-1)?.body ?? '') as {
        stop?: string[];
        options?: { stop?: string[] };
      };
      expect(body.stop ?? body.options?.stop).toEqual([' is']);
    }
  });

  it('abort: ends at once as aborted, and the next prompt is served', async () => {
    if (isServer) next({ kind: 'stall_mid', pieces: ['So '] });
    const abort = new AbortController();
    // The built-in assistant has worded its whole answer before anyone could say stop.
    if (engine === 'navigator') abort.abort();
    const long = { ...job(), messages: [{ role: 'user' as const, content: 'Tell me a story.' }] };
    const running = ask(long, { signal: abort.signal, onDelta: () => abort.abort() });
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    expect((await ask()).finishReason).toBe('stop');
  });

  it('usage: tokens read and said are counted, or none are claimed', async () => {
    const { usage } = await ask();
    if (!counts) expect(usage).toBeUndefined();
    else {
      expect(usage?.prompt_tokens).toBeGreaterThan(0);
      expect(usage?.completion_tokens).toBeGreaterThan(0);
    }
  });

  it('errors: a model that is not there, or a wish that it cannot fulfil, has its own code', async () => {
    if (isServer) next({ kind: 'status', status: 404 });
    const tools = [{ name: 'clock' }];
    const asked: ChatJob =
      engine === 'navigator' ? { ...job(), tools, toolChoice: 'required' } : { ...job(), model: 'no-such' };
    await expect(ask(asked)).rejects.toMatchObject({
      code: engine === 'navigator' ? 'unsupported' : 'model_not_found',
    });
    expect((await ask()).finishReason).toBe('stop');
  });

  it.runIf(counts)('overflow: a prompt longer than the context is refused, never cut', async () => {
    const body = '{"error":{"code":"context_length_exceeded","message":"too long"}}';
    if (isServer) next({ kind: 'status', status: 400, body });
    const long = { ...job(), messages: [{ role: 'user' as const, content: 'word '.repeat(1000) }] };
    await expect(ask(long)).rejects.toMatchObject({ code: 'context_length_exceeded' });
  });

  it('disconnect: when nobody listens any more the engine stops, and the next prompt is served', async () => {
    if (isServer) next({ kind: 'stall_mid', pieces: ['So '] });
    for await (const event of runner.run(job(), { timeoutMs: timeout, signal: new AbortController().signal }))
      if (event.type === 'delta') break;
    if (isServer) {
      const prompt = (engine === 'ollama' ? ollama : upstream).prompts.at(-1);
      expect(await prompt?.closed).toBe(false);
    }
    expect((await ask()).finishReason).toBe('stop');
  });

  it.runIf(counts)(
    'disconnect: an engine that goes in the middle never looks as if it had ended',
    async () => {
      if (isServer) {
        next({ kind: 'die_mid', pieces: ['So '] });
        await expect(ask()).rejects.toMatchObject({ code: 'engine_died' });
        return;
      }
      const dying = await started(own, new URL('../../test/support/dying-model.js', import.meta.url));
      // Continued where it can be, else an error.
      const again = await answerOf(dying, job({ seed: 2 }), { timeoutMs: timeout });
      expect(again.text).toBe(answer);
      const held = { ...job({ seed: 1, maxTokens: 20 }), format: 'json' as const };
      await expect(answerOf(dying, held)).rejects.toMatchObject({ code: 'engine_died' });
    },
  );
});
