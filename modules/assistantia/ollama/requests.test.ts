import { expect, test } from 'vitest';
import { chatPrompt, chatRequest, generatePrompt, generateRequest } from './requests.js';

const chat = (fields: object) =>
  chatPrompt(chatRequest.parse({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...fields }));
const generate = (fields: object) =>
  generatePrompt(generateRequest.parse({ model: 'm', prompt: 'hi', ...fields }));
const refusal = (param: string) =>
  expect.objectContaining({ code: 'unsupported_content', details: { param } });

test('unknown fields and options are ignored', () => {
  expect(
    chat({ keep_alive: '5m', options: { num_ctx: 4096, mirostat: 1 }, think: false, format: '' }),
  ).toEqual({
    messages: [{ role: 'user', content: 'hi' }],
    sampling: {},
  });
});

test('options are taken, and a length below 1 means none', () => {
  const options = { num_predict: 5, temperature: 0.5, top_p: 0.9, top_k: 4, seed: 3, stop: ['END'] };
  expect(chat({ options }).sampling).toEqual({
    maxTokens: 5,
    temperature: 0.5,
    topP: 0.9,
    topK: 4,
    seed: 3,
    stop: ['END'],
  });
  for (const num_predict of [-1, -2, 0]) expect(chat({ options: { num_predict } }).sampling).toEqual({});
});

test('format is json or a schema', () => {
  expect(chat({ format: 'json' }).format).toBe('json');
  expect(generate({ format: { type: 'object' } }).format).toEqual({ schema: { type: 'object' } });
  expect(generateRequest.safeParse({ model: 'm', prompt: 'x', format: 'xml' }).success).toBe(false);
});

test('a result finds the oldest open call of its tool, or without a name the oldest', () => {
  const call = { function: { name: 'f', arguments: { a: 1 } } };
  const { messages } = chat({
    messages: [
      { role: 'assistant', content: '', tool_calls: [call, call] },
      { role: 'tool', content: 'first', tool_name: 'f' },
      { role: 'tool', content: 'second' },
      { role: 'tool', content: 'other', tool_name: 'g' },
    ],
  });
  expect(messages.map(({ answers }) => answers)).toEqual([
    undefined,
    { id: 'call_0_0', name: 'f' },
    { id: 'call_0_1', name: 'f' },
    { name: 'g' },
  ]);
  expect(messages[0]?.toolCalls?.[0]).toEqual({ id: 'call_0_0', name: 'f', arguments: '{"a":1}' });
});

test('generate asks system and prompt', () => {
  expect(generate({ system: 'rules' }).messages).toEqual([
    { role: 'system', content: 'rules' },
    { role: 'user', content: 'hi' },
  ]);
  expect(generate({ system: '', suffix: '', template: '', raw: false, context: [] }).messages).toHaveLength(
    1,
  );
});

test.each([
  [{ think: true }, 'think'],
  [{ think: 'high' }, 'think'],
  [{ logprobs: true }, 'logprobs'],
  [{ images: ['AAAA'] }, 'images'],
  [{ suffix: 'x' }, 'suffix'],
  [{ template: '{{ .Prompt }}' }, 'template'],
  [{ raw: true }, 'template'],
  [{ context: [1, 2] }, 'context'],
])('%j would change the meaning and is refused', (fields, param) => {
  expect(() => generate(fields)).toThrow(refusal(param));
});

test('an image in a message is refused where it is', () => {
  const messages = [{ role: 'user', content: 'what is this?', images: ['AAAA'] }];
  expect(() => chat({ messages })).toThrow(refusal('messages.0.images'));
});
