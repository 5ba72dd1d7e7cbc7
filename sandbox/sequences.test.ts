import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { nodesRunning } from '../test/support/descendants.js';
import { answerOf, embeddedOptions, jobFor, sandboxOptions } from '../test/support/sandbox-options.js';
import { createPromptRunner, type Incident, type Sandbox } from './index.js';
import { isInstalled } from './models.js';
import type { EmbeddedOptions } from './options.js';
import { Turns } from './turns.js';

// Compiled tests stand two folders deep in dist; the fixtures stay where they are.
const fixtures = new URL('../../test/fixtures/models/', import.meta.url);
const expected = JSON.parse(readFileSync(new URL('tiny-chat.expect.json', fixtures), 'utf8')) as [
  string,
  string,
][];

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(
  embedded: Partial<EmbeddedOptions>,
  modelHostEntry?: URL,
): Promise<{ runner: Sandbox; incidents: Incident[] }> {
  const incidents: Incident[] = [];
  const runner = createPromptRunner(
    sandboxOptions({
      sandbox: { workers: 3 },
      models_dir: fileURLToPath(fixtures),
      engines: { order: ['embedded'], embedded: embeddedOptions({ context_tokens: 256, ...embedded }) },
      onIncident: (incident) => incidents.push(incident),
      ...(modelHostEntry === undefined ? {} : { internal: { modelHostEntry } }),
    }),
  );
  cleanups.push(() => runner.close());
  await runner.start();
  return { runner, incidents };
}

const job = (question: string, sampling: object = {}) => ({
  ...jobFor('embedded', question, 'tiny-chat'),
  sampling: { temperature: 0, ...sampling },
});
const isLoaded = (runner: Sandbox) => runner.engines().find(({ name }) => name === 'embedded')?.loaded;

async function until(look: () => boolean): Promise<void> {
  while (!look()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('turns', () => {
  it('are taken in the order of asking, at most so many at once, and given back once', async () => {
    const turns = new Turns(2);
    const { signal } = new AbortController();
    const [first, second] = await Promise.all([turns.take(signal), turns.take(signal)]);
    const began: string[] = [];
    const beginAs = async (name: string) => {
      const give = await turns.take(signal);
      began.push(name);
      return give;
    };
    const third = beginAs('third');
    const fourth = beginAs('fourth');
    first();
    first();
    const giveThird = await third;
    expect([began, turns.taken]).toEqual([['third'], 2]);
    second();
    giveThird();
    (await fourth)();
    expect([began, turns.taken]).toEqual([['third', 'fourth'], 0]);
  });

  it('leave out who has given up, before and while waiting', async () => {
    const turns = new Turns(1);
    const give = await turns.take(new AbortController().signal);
    const abort = new AbortController();
    const waiting = turns.take(abort.signal);
    const behind = turns.take(new AbortController().signal);
    abort.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(turns.take(abort.signal)).rejects.toThrow('gone');
    give();
    (await behind)();
    expect(turns.taken).toBe(0);
  });
});

it.each([0, 17, 1.5])('%s sequences are refused where they enter', (sequences) => {
  const options = sandboxOptions({ engines: { embedded: embeddedOptions({ sequences }) } });
  expect(() => createPromptRunner(options)).toThrow(
    'engines.embedded.sequences must be a whole number from 1',
  );
});

describe.runIf(isInstalled('node-llama-cpp'))('the embedded model with three sequences', () => {
  it('answers three at once in one load, each exactly, and goes on when one of them is stopped', async () => {
    const { runner, incidents } = await started({ sequences: 3 });
    for (let round = 0; round < 3; round++) {
      const abort = new AbortController();
      const stopped = answerOf(runner, job('Tell me a story.', { maxTokens: 200 }), {
        signal: abort.signal,
        onDelta: () => abort.abort(),
      });
      const answers = Promise.all(expected.map(([question]) => answerOf(runner, job(question))));
      // On a busy machine the whole answer may have come in one piece, before it could be stopped.
      const ended = stopped.then(
        ({ finishReason }) => finishReason,
        ({ code }: { code: string }) => code,
      );
      expect(['aborted', 'stop']).toContain(await ended);
      expect((await answers).map(({ text }) => text)).toEqual(expected.map(([, text]) => text));
    }
    expect(incidents).toEqual([]);
    if (process.platform === 'linux') expect(nodesRunning('model-host.js')).toHaveLength(1);
  });

  it.runIf(process.platform === 'linux')(
    'killed while three are speaking, ends all three with exactly what it would have said',
    async () => {
      const { runner, incidents } = await started({ sequences: 3 });
      await answerOf(runner, job('ping'));
      let killed = false;
      const asked = expected.slice(-3);
      const answers = asked.map(([question]) =>
        answerOf(runner, job(question), {
          onDelta: () => {
            if (!killed) for (const pid of nodesRunning('model-host.js')) process.kill(pid, 'SIGKILL');
            killed = true;
          },
        }).catch((error: unknown) => error),
      );
      for (const [index, answer] of (await Promise.all(answers)).entries()) {
        // Who had said nothing yet is told that the engine died, and the next of the chain may be asked.
        if (answer instanceof Error) expect(answer).toMatchObject({ code: 'engine_died' });
        else expect(answer).toMatchObject({ text: asked[index]![1], finishReason: 'stop' });
      }
      // On a busy machine all three may have been said before the end of the process is seen.
      await until(() => incidents.length > 0);
      expect(incidents).toEqual([{ cause: 'crashed', child: 'model', engine: 'embedded' }]);
    },
  );

  it.each([1, 2, 5])(
    'dead after %s pieces, goes on behind the kept tokens without a lost or repeated character',
    async (pieces) => {
      const { runner, incidents } = await started(
        {},
        new URL('../test/support/dying-model.js', import.meta.url),
      );
      const [question, text] = expected.at(-1)!;
      const whole = await answerOf(runner, job(question));
      const deltas: string[] = [];
      const answer = await answerOf(runner, job(question, { seed: pieces }), {
        onDelta: (delta) => deltas.push(delta),
      });
      expect(whole.text).toBe(text);
      expect(answer).toEqual(whole);
      expect(deltas.length).toBeGreaterThan(pieces);
      expect(incidents).toEqual([{ cause: 'crashed', child: 'model', engine: 'embedded' }]);
    },
  );

  it('keeps to maxTokens and stop across the death', async () => {
    const { runner } = await started({}, new URL('../test/support/dying-model.js', import.meta.url));
    const [question] = expected.at(-1)!;
    for (const sampling of [{ maxTokens: 4 }, { maxTokens: 2 }, { stop: [' is'] }]) {
      const whole = await answerOf(runner, job(question, sampling));
      const answer = await answerOf(runner, job(question, { ...sampling, seed: 2 }));
      expect(answer, JSON.stringify(sampling)).toEqual(whole);
    }
  });

  it('is not continued where its answer is held to a form: the error is told', async () => {
    const { runner } = await started({}, new URL('../test/support/dying-model.js', import.meta.url));
    const asked = { ...job('Hi', { seed: 2, maxTokens: 30 }), format: 'json' as const };
    await expect(answerOf(runner, asked)).rejects.toMatchObject({ code: 'engine_died' });
  });

  it('is unloaded when it is not wanted, behind the answers that it is giving, and loaded again', async () => {
    const { runner, incidents } = await started({});
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
    expect(isLoaded(runner)).toBe(true);
    await runner.unloadModel();
    expect(isLoaded(runner)).toBe(false);
    const [question, text] = expected.at(-1)!;
    const during = answerOf(runner, job(question), { onDelta: () => void runner.unloadModel() });
    expect((await during).text).toBe(text);
    await until(() => isLoaded(runner) === false);
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
    expect(isLoaded(runner)).toBe(true);
    expect(incidents).toEqual([]);
  });

  it('leaves the memory when nobody asks it for its keep-alive, and comes back', async () => {
    const { runner } = await started({ keep_alive_ms: 50 });
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
    await until(() => isLoaded(runner) === false);
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
  });

  it('is let go when idle for so long, not when it was asked just now, answers, or is not there', async () => {
    const { runner } = await started({});
    expect(await runner.unloadModel({ idleMs: 0 })).toBe(false);
    await answerOf(runner, job('ping'));
    expect(await runner.unloadModel({ idleMs: 60_000 })).toBe(false);
    const [question, text] = expected.at(-1)!;
    const during = answerOf(runner, job(question), {
      onDelta: () => void runner.unloadModel({ idleMs: 0 }),
    });
    expect((await during).text).toBe(text);
    // Its turn is over a moment behind its last word, or was already while the last ones were still being read.
    while (isLoaded(runner)) {
      await runner.unloadModel({ idleMs: 0 });
      await pause(1);
    }
    expect((await answerOf(runner, job('ping'))).text).toBe('pong');
  });
});
