import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFromChild, readToChild } from './protocol.js';

const messages = [{ role: 'user', content: 'hi' }];
const good = {
  toChild: [
    { type: 'job', job: { engine: 'ollama', messages, sampling: {}, model: 'm' } },
    {
      type: 'job',
      job: {
        engine: 'navigator',
        messages,
        sampling: { maxTokens: 1, temperature: 0.5, topP: 1, seed: 3, stop: ['a'] },
        model: 'navigator',
        brief: {
          lang: 'fr',
          topics: [{ id: 't', source: 's', facts: { a: 1, b: 'x', c: true } }],
          passages: [{ source: 's', title: 't', text: 'x' }],
          modelLoaded: false,
        },
      },
    },
    { type: 'response', status: 200, retryAfterMs: 5 },
    { type: 'data', text: 'x' },
    { type: 'end' },
    { type: 'broke', code: 'engine_died' },
    { type: 'generated', finishReason: 'length', usage: { prompt_tokens: 1, completion_tokens: 2 } },
    { type: 'stop' },
    { type: 'load', modelFile: 'f', threads: 1, contextTokens: 128, sequences: 2, llamaPackage: 'p' },
    { type: 'generate', messages, sampling: {}, lane: 0 },
    { type: 'generate', messages, sampling: {}, lane: 7, kept: [1, 2] },
    { type: 'embed', texts: ['x'], lane: 1 },
    { type: 'stop', lane: 1 },
  ],
  fromChild: [
    { type: 'ready' },
    { type: 'loaded', contextTokens: 128 },
    { type: 'unloadable', fault: 'model' },
    { type: 'open', method: 'POST', path: '/api/chat', body: '{}' },
    { type: 'generate', messages, sampling: {} },
    { type: 'delta', text: 'x' },
    { type: 'delta', text: 'x', tokens: [3], lane: 0 },
    { type: 'done', finishReason: 'stop', model: 'm', usage: { prompt_tokens: 1, completion_tokens: 2 } },
    { type: 'failed', code: 'engine_status', status: 500, bytes: 3, sha256: '0123456789abcdef' },
    { type: 'stopped' },
  ],
};

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
