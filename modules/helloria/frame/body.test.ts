import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isJsonType, parseJson, readBody } from './body.js';

function request(chunks: Buffer[], headers: Record<string, string> = {}): IncomingMessage {
  const stream = new PassThrough();
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  return Object.assign(stream, { headers }) as unknown as IncomingMessage;
}

test.each([
  'application/json',
  'application/json; charset=utf-8',
  'Application/JSON;charset="UTF-8"',
  'application/json;',
])('%s is JSON', (type) => expect(isJsonType(type)).toBe(true));

test.each([
  undefined,
  'text/plain',
  'application/json; charset=latin1',
  'application/jsonp',
  'text/plain; application/json',
])('%s is not JSON', (type) => expect(isJsonType(type)).toBe(false));

test('a body of exactly the limit is read; one byte more is refused, told in advance or not', async () => {
  expect((await readBody(request([Buffer.alloc(6), Buffer.alloc(4)]), 10)).length).toBe(10);
  await expect(readBody(request([Buffer.alloc(6), Buffer.alloc(5)]), 10)).rejects.toMatchObject({
    code: 'payload_too_large',
  });
  await expect(readBody(request([], { 'content-length': '11' }), 10)).rejects.toMatchObject({
    code: 'payload_too_large',
  });
});

test('what is far too large is refused without being read to its end', async () => {
  const far = String(17 * 1024 * 1024);
  const unread = request([Buffer.alloc(4)], { 'content-length': far });
  await expect(readBody(unread, 10)).rejects.toMatchObject({ code: 'payload_too_large' });
  expect(unread.readableFlowing).toBe(null);
  const endless = new PassThrough();
  const refused = expect(
    readBody(Object.assign(endless, { headers: {} }) as unknown as IncomingMessage, 10),
  ).rejects.toMatchObject({ code: 'payload_too_large' });
  for (let sent = 0; sent < 17; sent++) endless.write(Buffer.alloc(1024 * 1024));
  await refused;
  expect(endless.isPaused()).toBe(true);
});

test('a connection that closes early is an error, not a short body', async () => {
  const stream = new PassThrough();
  const pending = readBody(Object.assign(stream, { headers: {} }) as unknown as IncomingMessage, 10);
  stream.write('{"a"');
  stream.destroy();
  await expect(pending).rejects.toMatchObject({ code: 'invalid_request' });
});

test.each([
  ['empty', Buffer.alloc(0)],
  ['NaN', Buffer.from('{"cpu": NaN}')],
  ['cut', Buffer.from('{"cpu": 1')],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['deep', Buffer.from('['.repeat(33) + ']'.repeat(33))],
  ['very deep and unclosed', Buffer.from('['.repeat(1_000_000))],
])('a body that is %s is invalid_json', (_, bytes) => {
  expect(() => parseJson(bytes, 32)).toThrow(expect.objectContaining({ code: 'invalid_json' }));
});

test('whatever JSON within the depth comes in comes out, brackets in strings do not count', () => {
  expect(parseJson(Buffer.from(JSON.stringify({ a: '[[[[\\"[[[' })), 1)).toEqual({ a: '[[[[\\"[[[' });
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(Buffer.from(text), 32)).toEqual(JSON.parse(text));
    }),
  );
});
