import { expect, test } from 'vitest';
import type { BusEvents } from '../contracts/bus.js';
import type { PromptEvent, PromptJob, PromptRunner } from '../contracts/sandbox.js';
import { createBus } from './bus.js';
import { toldPrompts } from './told-prompts.js';

const job: PromptJob = { engine: 'ollama', model: 'm', messages: [], sampling: {} };
const delta: PromptEvent = { type: 'delta', text: 'a' };

function subject(answer: () => AsyncIterable<PromptEvent>) {
  const bus = createBus((_name, error) => {
    throw error;
  });
  const told: (BusEvents['prompt.began'] | BusEvents['prompt.ended'])[] = [];
  bus.subscribe('prompt.began', (event) => told.push(event));
  bus.subscribe('prompt.ended', (event) => told.push(event));
  const inner = { run: answer } as unknown as PromptRunner;
  return {
    told,
    run: () => toldPrompts(inner, bus).run(job, { timeoutMs: 1, signal: new AbortController().signal }),
  };
}

test('an answer is passed on as it is, and told with its tokens', async () => {
  const done: PromptEvent = {
    type: 'done',
    finishReason: 'stop',
    model: 'm',
    usage: { prompt_tokens: 3, completion_tokens: 5 },
  };
  const { told, run } = subject(async function* () {
    yield delta;
    yield done;
  });
  const events: PromptEvent[] = [];
  for await (const event of run()) events.push(event);
  expect(events).toEqual([delta, done]);
  expect(told).toEqual([{ engine: 'ollama' }, { engine: 'ollama', done: true, tokens: 5 }]);
});

test('an engine that does not count has no tokens', async () => {
  const { told, run } = subject(async function* () {
    yield { type: 'done', finishReason: 'stop', model: 'm' };
  });
  for await (const _ of run());
  expect(told.at(-1)).toEqual({ engine: 'ollama', done: true });
});

test('a failure and a listener that leaves both end the prompt, not done; the engine is told that nobody listens', async () => {
  const failing = subject(async function* () {
    yield delta;
    throw new Error('broke off');
  });
  await expect(async () => {
    for await (const _ of failing.run());
  }).rejects.toThrow('broke off');
  expect(failing.told.at(-1)).toEqual({ engine: 'ollama', done: false });

  let stopped = false;
  const left = subject(async function* () {
    try {
      yield delta;
      yield delta;
    } finally {
      stopped = true;
    }
  });
  for await (const _ of left.run()) break;
  expect(stopped).toBe(true);
  expect(left.told.at(-1)).toEqual({ engine: 'ollama', done: false });
});
