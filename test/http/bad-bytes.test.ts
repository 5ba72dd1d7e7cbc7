import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { adminHeaders, type Operation, readOperations, refusalOf } from './operations.js';
import { send, sendBytes } from './raw.js';

const numRuns = process.env.ARKALIA_TEST_LONG === undefined ? 60 : 2000;
let appliance: TestAppliance;
let url: string;
let operations: Operation[];
let withBody: Operation[];
let headers: Record<string, string>;

beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false' } });
  url = appliance.url;
  ({ operations } = await readOperations(appliance));
  withBody = operations.filter(({ body }) => body !== undefined);
  headers = await adminHeaders(appliance);
});
afterAll(() => appliance.close());
afterEach(async () => {
  expect(await appliance.json('/health')).toMatchObject({ status: 'ok' });
  expect(appliance.output.text).not.toContain('request failed');
});

/** Posts to every route that takes a body and expects the same refusal in each route's own form. */
async function refusedEverywhere(
  body: string | Buffer,
  expected: { status: number; code: string },
): Promise<void> {
  expect(withBody.length).toBeGreaterThan(5);
  for (const { path, shape } of withBody) {
    const { status, code } = refusalOf(await send(url, { method: 'POST', path, headers, body }), shape);
    expect({ path, status, code }).toEqual({ path, ...expected });
  }
}

describe('bodies', () => {
  test('10 MB are refused with 413, which a client that sends them all gets to read, with and without a length', async () => {
    const big = Buffer.alloc(10_000_000, 0x20);
    for (const { path, shape } of withBody) {
      const lengths: Record<string, string>[] = [
        { 'content-length': String(big.length) },
        { 'transfer-encoding': 'chunked' },
      ];
      for (const length of lengths) {
        const sent = { ...headers, ...length };
        const answer = await send(url, { method: 'POST', path, headers: sent, body: big });
        const { status, code } = refusalOf(answer, shape);
        expect([path, status, code]).toEqual([path, 413, 'payload_too_large']);
      }
    }
  });

  test('exactly the limit is read, one byte more is not', async () => {
    const limit = 1_048_576;
    const exact = `{"message":"${'x'.repeat(limit - 14)}"}`;
    expect(Buffer.byteLength(exact)).toBe(limit);
    expect((await send(url, { method: 'POST', path: '/echo', headers, body: exact })).status).toBe(200);
    expect((await send(url, { method: 'POST', path: '/echo', headers, body: `${exact} ` })).status).toBe(413);
  });

  test.each([33, 1000, 500_000])('nesting %d deep is refused, as arrays, objects and both', async (depth) => {
    const invalid = { status: 400, code: 'invalid_json' };
    await refusedEverywhere(`{"message":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`, invalid);
    if (depth > 100_000) return;
    await refusedEverywhere(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`, invalid);
    await refusedEverywhere('[{"a":'.repeat(depth), invalid);
  });

  test('32 deep is taken', async () => {
    const body = `{"message":${'['.repeat(31)}${']'.repeat(31)}}`;
    expect((await send(url, { method: 'POST', path: '/echo', headers, body })).status).toBe(200);
  });

  test('no bytes, white space and a byte order mark are no JSON', async () => {
    for (const body of ['', ' ', '\n', '\ufeff{"message":1}', '\u0000'])
      await refusedEverywhere(body, { status: 400, code: 'invalid_json' });
  });

  test('bytes that are no UTF-8 are refused wherever they stand', async () => {
    const sequences = ['80', 'c0af', 'ff', 'f5808080', 'eda080', 'c3', 'e282', 'f0908d', 'fefffe'];
    for (const hex of sequences) {
      const bytes = Buffer.from(hex, 'hex');
      for (const body of [
        Buffer.concat([Buffer.from('{"message":"'), bytes, Buffer.from('"}')]),
        Buffer.concat([Buffer.from('{"'), bytes, Buffer.from('":1}')]),
        Buffer.concat([bytes, Buffer.from('{"message":1}')]),
      ])
        await refusedEverywhere(body, { status: 400, code: 'invalid_json' });
    }
  });

  test('a body that is cut anywhere is refused', async () => {
    const whole = Buffer.from('{"message":"é","cpu":1,"ram":[true,null],"severity":{"a":-1.5e3}}');
    for (let end = 0; end < whole.length; end += 3)
      await refusedEverywhere(whole.subarray(0, end), { status: 400, code: 'invalid_json' });
  });

  test('random bytes are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        for (const { path, shape } of withBody) {
          const answer = await send(url, { method: 'POST', path, headers, body: Buffer.from(bytes) });
          expect(refusalOf(answer, shape).status).toBe(400);
        }
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    );
  });

  test('compressed bodies and other kinds are a 415', async () => {
    const kinds: Record<string, string>[] = [
      { 'content-encoding': 'gzip' },
      { 'content-type': 'application/xml' },
      { 'content-type': 'application/json; charset=utf-16' },
      { 'content-type': 'application/jsonp' },
    ];
    for (const { path, shape } of withBody)
      for (const more of kinds) {
        const sent = { ...headers, ...more };
        const answer = await send(url, { method: 'POST', path, headers: sent, body: '{"message":1}' });
        expect(refusalOf(answer, shape)).toMatchObject({ status: 415, code: 'unsupported_media_type' });
      }
  });
});

describe('bytes that are no HTTP request, or one that means two things', () => {
  const host = 'Host: localhost\r\n';
  const json = 'Content-Type: application/json\r\n';
  const body = '{"message":1}';
  const hidden = `GET /status HTTP/1.1\r\n${host}\r\n`;

  /** One refusal and no more: whatever follows is not taken for a second request. */
  async function refusedOnce(bytes: string | Buffer, status = 400): Promise<void> {
    const answer = await sendBytes(url, bytes, { end: true });
    const heads = answer.match(/HTTP\/1\.1 \d{3}/g) ?? [];
    expect([String(bytes).slice(0, 200), heads]).toEqual([
      String(bytes).slice(0, 200),
      [`HTTP/1.1 ${status}`],
    ]);
    const [head = '', text = ''] = answer.split('\r\n\r\n');
    expect(head.toLowerCase()).toContain('connection: close');
    const type = /content-type: (\S+)/i.exec(head)?.[1];
    refusalOf({ status, headers: { 'content-type': type ?? '' }, text }, 'problem');
  }

  test.each([
    [
      'two lengths',
      `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: 13\r\nContent-Length: 14\r\n\r\n${body}`,
    ],
    [
      'two equal lengths',
      `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: 13\r\nContent-Length: 13\r\n\r\n${body}`,
    ],
    ['a list of lengths', `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: 13, 13\r\n\r\n${body}`],
    [
      'length and chunks',
      `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    ['a negative length', `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: -1\r\n\r\n${body}`],
    ['a length that is none', `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: 0x0d\r\n\r\n${body}`],
    [
      'a length beyond numbers',
      `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: 99999999999999999999999\r\n\r\n${body}`,
    ],
    [
      'a chunk size that is none',
      `POST /echo HTTP/1.1\r\n${host}${json}Transfer-Encoding: chunked\r\n\r\nzz\r\n${hidden}`,
    ],
    [
      'chunked, but not last',
      `POST /echo HTTP/1.1\r\n${host}${json}Transfer-Encoding: chunked, identity\r\n\r\n${hidden}`,
    ],
    [
      'a body shorter than its length',
      `POST /echo HTTP/1.1\r\n${host}${json}Content-Length: 100\r\n\r\n${body}`,
    ],
    [
      'chunks without an end',
      `POST /echo HTTP/1.1\r\n${host}${json}Transfer-Encoding: chunked\r\n\r\n5\r\n{"mes`,
    ],
    ['a space before the colon', `GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n`],
    ['a folded header', `GET /health HTTP/1.1\r\n${host}X-A: b\r\n c\r\n\r\n`],
    ['NUL in a header', `GET /health HTTP/1.1\r\n${host}X-A: b\u0000c\r\n\r\n`],
    ['no Host', `GET /health HTTP/1.1\r\n\r\n`],
    ['an unknown version', `GET /health HTTP/9.9\r\n${host}\r\n`],
    ['an unknown method', `GEHT /health HTTP/1.1\r\n${host}\r\n`],
    ['a method in small letters', `get /health HTTP/1.1\r\n${host}\r\n`],
    ['a path without its slash', `GET health HTTP/1.1\r\n${host}\r\n`],
    ['TLS on a plain port', Buffer.from('16030100a5010000a103030000', 'hex')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ] as [string, string | Buffer][])('%s', async (_, bytes) => {
    await refusedOnce(bytes);
  });

  test('headers beyond the limit are a 431, as one, as many and as a path', async () => {
    await refusedOnce(`GET /health HTTP/1.1\r\n${host}X-A: ${'a'.repeat(70_000)}\r\n\r\n`, 431);
    await refusedOnce(`GET /health HTTP/1.1\r\n${host}${'X-A: b\r\n'.repeat(10_000)}\r\n`, 431);
    await refusedOnce(`GET /${'a'.repeat(70_000)} HTTP/1.1\r\n${host}\r\n`, 431);
    for (const { method, path } of operations)
      await refusedOnce(`${method} ${path} HTTP/1.1\r\n${host}X-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431);
  });

  test('garbage gets a refusal or nothing, never an answer and never a fault', async () => {
    const nearly = fc
      .tuple(
        fc.constantFrom('GET', 'POST', 'HEAD ', 'OPTIONS\t', 'DELETE', ''),
        fc.string({ maxLength: 20, unit: 'binary' }),
        fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2', 'http/1.1', ''),
        fc.array(fc.string({ maxLength: 20, unit: 'binary' }), { maxLength: 4 }),
      )
      .map(([method, path, version, lines]) =>
        Buffer.from(`${method} ${path} ${version}\r\n${lines.join('\r\n')}\r\n\r\n`),
      );
    const noise = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(nearly, noise), async (bytes) => {
        const answer = await sendBytes(url, bytes, { end: true });
        expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
      }),
      { numRuns: numRuns * 4 },
    );
  });
});
