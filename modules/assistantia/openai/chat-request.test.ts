import { expect, test } from 'vitest';
import { chatRequest, promptOf } from './chat-request.js';

const parse = (fields: object) =>
  chatRequest.parse({ messages: [{ role: 'user', content: 'hi' }], ...fields });
const hi = [{ role: 'user', content: 'hi' }];
const weather = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } };
const refusal = (code: string, param: string) => expect.objectContaining({ code, details: { param } });

test('unknown fields and null are ignored, as clients send both', () => {
  const body = parse({ model: null, user: 'x', logit_bias: { 1: 2 }, stop: null, stream: null, tools: [] });
  expect(promptOf(body)).toEqual({ messages: hi, sampling: {} });
});

test('text comes as a string or in parts, developer speaks as system', () => {
  const body = parse({
    messages: [
      { role: 'developer', content: 'rules' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: null, tool_calls: [] },
    ],
  });
  expect(promptOf(body).messages).toEqual([
    { role: 'system', content: 'rules' },
    { role: 'user', content: 'ab' },
    { role: 'assistant', content: '' },
  ]);
});

test.each([
  [{ type: 'image_url', image_url: { url: 'data:' } }, 'Images are not processed'],
  [{ type: 'input_audio' }, 'Only text parts'],
  [{ type: 'text' }, 'Only text parts'],
])('the part %j is refused', (content, message) => {
  const body = parse({ messages: [{ role: 'user', content: [content] }] });
  expect(() => promptOf(body)).toThrow(
    expect.objectContaining({ code: 'unsupported_content', message: expect.stringContaining(message) }),
  );
});

test.each([
  [{ n: 2 }, 'n'],
  [{ logprobs: true }, 'logprobs'],
  [{ top_logprobs: 3 }, 'logprobs'],
  [{ functions: [{ name: 'f' }] }, 'functions'],
  [{ tools: [weather], parallel_tool_calls: false }, 'parallel_tool_calls'],
  [{ response_format: { type: 'grammar' } }, 'response_format'],
])('%j would change the meaning and is refused', (fields, param) => {
  expect(() => promptOf(parse(fields))).toThrow(refusal('unsupported_content', param));
});

test.each([
  [{ tool_choice: 'required' }, 'tool_choice'],
  [{ tools: [weather], tool_choice: { type: 'function', function: { name: 'other' } } }, 'tool_choice'],
  [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema.schema'],
  [
    {
      messages: [{ role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{' } }] }],
    },
    'messages.0.tool_calls.0.function.arguments',
  ],
])('%j contradicts itself', (fields, param) => {
  expect(() => promptOf(parse(fields))).toThrow(refusal('invalid_request', param));
});

test.each([
  { tools: [{ type: 'function' }] },
  { tools: [{ type: 'custom', function: { name: 'f' } }] },
  { tools: [{ type: 'function', function: { name: 'a b' } }] },
  { tools: Array(129).fill(weather) },
  { tool_choice: 'any' },
])('%j does not fit the schema', (fields) => {
  expect(chatRequest.safeParse({ messages: hi, ...fields }).success).toBe(false);
});

test('tools, the choice among them, and formats in our own form', () => {
  const tools = [{ name: 'weather', parameters: { type: 'object' } }];
  expect(promptOf(parse({ tools: [weather] }))).toMatchObject({ tools });
  expect(promptOf(parse({ tools: [weather], tool_choice: 'auto' }))).not.toHaveProperty('toolChoice');
  expect(promptOf(parse({ tools: [weather], tool_choice: 'none' }))).not.toHaveProperty('tools');
  const named = { type: 'function', function: { name: 'weather' } };
  expect(promptOf(parse({ tools: [weather], tool_choice: named }))).toMatchObject({
    toolChoice: { name: 'weather' },
  });
  const json_schema = { name: 'x', schema: { type: 'object' } };
  expect(promptOf(parse({ response_format: { type: 'json_schema', json_schema } })).format).toEqual({
    schema: { type: 'object' },
  });
  expect(promptOf(parse({ response_format: { type: 'json_object' } })).format).toBe('json');
});

test('a result finds its call by id, and its name with it', () => {
  const call = (id: string, name: string) => ({ id, type: 'function', function: { name, arguments: '' } });
  const { messages } = promptOf(
    parse({
      messages: [
        { role: 'assistant', content: null, tool_calls: [call('a', 'f'), call('b', 'g')] },
        { role: 'tool', tool_call_id: 'b', content: '2' },
        { role: 'tool', tool_call_id: 'a', content: '1' },
        { role: 'tool', tool_call_id: 'z', content: '0' },
        { role: 'tool', content: '-' },
      ],
    }),
  );
  expect(messages[0]).toEqual({
    role: 'assistant',
    content: '',
    toolCalls: [
      { id: 'a', name: 'f', arguments: '{}' },
      { id: 'b', name: 'g', arguments: '{}' },
    ],
  });
  expect(messages.slice(1).map(({ answers }) => answers)).toEqual([
    { id: 'b', name: 'g' },
    { id: 'a', name: 'f' },
    { id: 'z' },
    undefined,
  ]);
});

test('both names of the token limit, and both forms of stop', () => {
  const sampling = (fields: object) => promptOf(parse(fields)).sampling;
  expect(sampling({ max_tokens: 5, max_completion_tokens: 7, stop: 'x', temperature: 0, top_k: 3 })).toEqual({
    maxTokens: 7,
    stop: ['x'],
    temperature: 0,
    topK: 3,
  });
  expect(sampling({ max_tokens: 5, stop: ['a', 'b'] })).toEqual({ maxTokens: 5, stop: ['a', 'b'] });
});
