import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FromChild, readFromChild, readToChild, type ToChild } from './protocol.js';

const messages = [{ role: 'user' as const, content: 'hi' }];
const call = { id: 'a', name: 'clock', arguments: '{}' };
const conversation = [
  ...messages,
  { role: 'assistant' as const, content: '', toolCalls: [call] },
  { role: 'tool' as const, content: 'noon', answers: { id: 'a', name: 'clock' } },
];
const wishes = {
  tools: [{ name: 'clock', description: 'The time', parameters: {} }],
  toolChoice: { name: 'clock' },
};
const facts = {
  architecture: 'llama',
  name: 'tiny',
  licence: 'mit',
  parameters: 3,
  quantisation: 'Q8_0',
  context_tokens: 128,
  chat_template: true,
  cache_bytes_per_token: 8,
};
const usage = { prompt_tokens: 1, completion_tokens: 2 };
const sha256 = 'ab'.repeat(32);

/** Good messages of every type that there is: a type that is missing does not compile. */
const toChild: { [T in ToChild['type']]: Extract<ToChild, { type: T }>[] } = {
  job: [
    { type: 'job', job: { engine: 'ollama', messages, sampling: {}, model: 'm' } },
    { type: 'job', job: { engine: 'openai', messages: conversation, sampling: {}, model: 'm', ...wishes } },
    { type: 'job', job: { engine: 'embedded', messages, sampling: {}, model: 'm', format: { schema: {} } } },
    { type: 'job', job: { engine: 'ollama', embed: ['x'], model: 'm' } },
    {
      type: 'job',
      job: {
        engine: 'navigator',
        messages,
        sampling: { maxTokens: 1, temperature: 0.5, topP: 1, topK: 2, seed: 3, stop: ['a'] },
        model: 'navigator',
        brief: {
          lang: 'fr',
          topics: [{ id: 't', source: 's', facts: { a: 1, b: 'x', c: true } }],
          passages: [{ source: 's', title: 't', text: 'x' }],
          modelLoaded: false,
        },
      },
    },
  ],
  response: [{ type: 'response', status: 200, retryAfterMs: 5 }],
  data: [{ type: 'data', text: 'x' }],
  end: [{ type: 'end' }],
  broke: [{ type: 'broke', code: 'engine_died' }],
  tool_call: [{ type: 'tool_call', call }],
  vector: [{ type: 'vector', vector: [0.5, 1] }],
  generated: [{ type: 'generated', finishReason: 'length', usage }],
  stop: [{ type: 'stop' }, { type: 'stop', lane: 1 }],
  ping: [{ type: 'ping' }],
  examine: [{ type: 'examine' }],
  load_opinion: [
    {
      type: 'load_opinion',
      modelFile: 'm',
      tokenizerFile: 't',
      threads: 1,
      tokensMax: 512,
      attackIndex: 1,
      runtimePackage: 'r',
      tokenizersPackage: 'p',
    },
  ],
  judge: [{ type: 'judge', text: 'x' }],
  script: [
    {
      type: 'script',
      job: {
        code: '1',
        facts: { clock: '{}' },
        functions: ['search'],
        date: true,
        fuel: 1,
        memoryBytes: 2,
        callsMax: 3,
        outputCharsMax: 4,
      },
    },
  ],
  returned: [
    { type: 'returned', id: 1, json: '{}' },
    { type: 'returned', id: 2, error: 'no' },
  ],
  load: [{ type: 'load', modelFile: 'f', threads: 1, contextTokens: 128, sequences: 2, llamaPackage: 'p' }],
  generate: [
    { type: 'generate', messages, sampling: {}, lane: 0 },
    { type: 'generate', messages: conversation, sampling: {}, lane: 7, kept: [1, 2], ...wishes },
  ],
  embed: [{ type: 'embed', texts: ['x'], lane: 1 }],
};
const fromChild: { [T in FromChild['type']]: Extract<FromChild, { type: T }>[] } = {
  ready: [{ type: 'ready' }],
  pong: [{ type: 'pong' }],
  loaded: [{ type: 'loaded', contextTokens: 128 }],
  unloadable: [{ type: 'unloadable', fault: 'model' }],
  no_opinion: [{ type: 'no_opinion', fault: 'shape' }],
  judged: [{ type: 'judged', probability: 0.5 }],
  progress: [{ type: 'progress', bytes: 1 }],
  examined: [
    { type: 'examined', sha256, bytes: 1, read: { facts } },
    { type: 'examined', sha256, bytes: 1, read: { fault: 'it is bad' } },
  ],
  open: [{ type: 'open', method: 'POST', path: '/api/chat', body: '{}' }],
  generate: [{ type: 'generate', messages, sampling: {}, format: 'json' }],
  embed: [{ type: 'embed', texts: ['x'] }],
  delta: [
    { type: 'delta', text: 'x', model: 'm' },
    { type: 'delta', text: 'x', tokens: [3], lane: 0 },
  ],
  tool_call: [{ type: 'tool_call', call, model: 'm', lane: 1 }],
  vector: [{ type: 'vector', vector: [0.5], lane: 1 }],
  done: [{ type: 'done', finishReason: 'stop', model: 'm', usage, leftOut: 2, lane: 1 }],
  failed: [{ type: 'failed', code: 'engine_status', status: 500, bytes: 3, sha256: '0123456789abcdef' }],
  stopped: [{ type: 'stopped', lane: 1 }],
  call: [{ type: 'call', id: 1, name: 'search', args: '["x"]' }],
  ended: [
    { type: 'ended', value: 'x', log: '' },
    { type: 'ended', fault: 'threw', message: 'no', log: '' },
  ],
};
const good = { toChild: Object.values(toChild).flat(), fromChild: Object.values(fromChild).flat() };

const cases = [
  ...good.toChild.map((message) => ['to', message] as const),
  ...good.fromChild.map((message) => ['from', message] as const),
];
const readers = { to: readToChild, from: readFromChild };

/** Every object in a value, with a field of it. */
function* fields(value: unknown): Generator<[holder: Record<string, unknown>, key: string]> {
  if (typeof value !== 'object' || value === null) return;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    yield [holder, key];
    yield* fields(holder[key]);
  }
}

describe('protocol', () => {
  it.each(cases)('reads a good message %s a child: %j', (side, message) => {
    expect(readers[side](structuredClone(message))).toEqual(message);
  });

  it.each(cases)('refuses any field of the wrong type, %s a child: %j', (side, message) => {
    const count = [...fields(message)].length;
    for (let i = 0; i < count; i += 1) {
      const broken = structuredClone(message);
      const [holder, key] = [...fields(broken)][i] as [Record<string, unknown>, string];
      holder[key] = null;
      expect(readers[side](broken), `${key} of ${JSON.stringify(broken)}`).toBeNull();
    }
  });

  it.each([
    ['to', { type: 'constructor' }],
    ['to', { type: 'broke', code: 'deadline' }],
    ['from', { type: '__proto__' }],
    ['from', { type: 'open', method: 'GET', path: '/api/chat', body: '' }],
    ['from', { type: 'open', method: 'POST', path: `/${'a'.repeat(1024)}`, body: '' }],
    ['from', { type: 'failed', code: 'deadline' }],
    ['from', { type: 'failed', code: 'engine_died', sha256: 'a secret of the prompt' }],
    ['from', { type: 'failed', code: 'engine_died', status: 99 }],
    ['from', { type: 'failed', code: 'engine_died', bytes: 1.5 }],
    ['from', { type: 'done', finishReason: 'because', model: 'm' }],
    ['from', [{ type: 'ready' }]],
  ] as const)('refuses %s a child: %j', (side, message) => {
    expect(readers[side](message)).toBeNull();
  });

  it('never throws, whatever the value', () => {
    const types = fc.constantFrom(...cases.map(([, message]) => message.type));
    const almost = fc
      .record({ type: types }, { requiredKeys: ['type'] })
      .chain((base) =>
        fc
          .dictionary(
            fc.constantFrom('job', 'text', 'code', 'status', 'usage', 'model', 'messages'),
            fc.anything(),
          )
          .map((rest) => ({ ...rest, ...base })),
      );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), almost), (value) => {
        readToChild(value);
        readFromChild(value);
      }),
    );
  });
});
