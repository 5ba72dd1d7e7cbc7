import { expect, test } from 'vitest';
import { completionRequest, messagesOf, refuseUnsupported, samplingOf } from './openai-request.js';

const parse = (fields: object) =>
  completionRequest.parse({ messages: [{ role: 'user', content: 'hi' }], ...fields });

test('unknown fields and null are ignored, as clients send both', () => {
  const body = parse({ model: null, user: 'x', logit_bias: { 1: 2 }, stop: null, stream: null });
  refuseUnsupported(body);
  expect(samplingOf(body)).toEqual({});
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
  expect(messagesOf(body)).toEqual([
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
  expect(() => messagesOf(body)).toThrow(
    expect.objectContaining({ code: 'unsupported_content', message: expect.stringContaining(message) }),
  );
});

test.each([
  { n: 2 },
  { logprobs: true },
  { tools: [{ type: 'function' }] },
  { response_format: { type: 'json_object' } },
])('%j would change the meaning and is refused', (fields) => {
  expect(() => refuseUnsupported(parse(fields))).toThrow(
    expect.objectContaining({ code: 'unsupported_content' }),
  );
});

test('both names of the token limit, and both forms of stop', () => {
  expect(samplingOf(parse({ max_tokens: 5, max_completion_tokens: 7, stop: 'x', temperature: 0 }))).toEqual({
    maxTokens: 7,
    stop: ['x'],
    temperature: 0,
  });
  expect(samplingOf(parse({ max_tokens: 5, stop: ['a', 'b'] }))).toEqual({ maxTokens: 5, stop: ['a', 'b'] });
});
