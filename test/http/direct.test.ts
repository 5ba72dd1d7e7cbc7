import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { type RawRequest, send, sendBytes } from './raw.js';

// A decision is served past Hono, unless its target is in absolute form: then the same route is served through it.
const json = { 'content-type': 'application/json' };
const body = JSON.stringify({ cpu: 85, ram: 70, severity: 'high' });
let appliance: TestAppliance;
beforeAll(async () => {
  appliance = await TestAppliance.start({
    env: { ARKALIA_ZEROIA_ACT: 'false', ARKALIA_HTTP_BODY_LIMIT_BYTES: '2000' },
  });
  // The first of a stream is decided without a history.
  await appliance.post('/zeroia/decisions', body);
});
afterAll(() => appliance.close());

/** What an answer is but for what differs from one to the next. */
async function answerTo(target: string, request: Omit<RawRequest, 'path'>) {
  const { status, headers, text } = await send(appliance.url, { method: 'POST', ...request, path: target });
  const value = JSON.parse(text) as Record<string, unknown>;
  const { 'content-type': type, 'retry-after': wait, allow, connection } = headers;
  return {
    status,
    names: Object.keys(headers).sort(),
    ...{ type, wait, allow, connection },
    length: Number(headers['content-length']) === Buffer.byteLength(text),
    keys: Object.keys(value),
    facts: [value.code, value.detail, value.param, value.decision, value.recorded, value.absent],
  };
}

test.each<[string, number, string, Omit<RawRequest, 'path'>]>([
  ['a decision', 200, '', { headers: json, body }],
  ['with a query', 200, '?record=queued', { headers: json, body }],
  ['with the empty query', 200, '?', { headers: json, body }],
  ['with another query', 400, '?colour=red', { headers: json, body }],
  ['with a query given twice', 400, '?record=queued&record=durable', { headers: json, body }],
  ['a wait', 200, '?record=checkpointed', { headers: { ...json, prefer: 'wait=5' }, body }],
  ['no type', 415, '', { body }],
  ['no JSON', 400, '', { headers: json, body: '{' }],
  ['no body', 400, '', { headers: json }],
  ['another field', 400, '', { headers: json, body: '{"cpu":1,"ram":1,"severity":"low","colour":1}' }],
  ['too long', 413, '', { headers: json, body: 'x'.repeat(2001) }],
  ['a key that is none', 401, '', { headers: { ...json, authorization: 'Bearer ark_none' }, body }],
  ['a page from elsewhere', 403, '', { headers: { ...json, origin: 'http://elsewhere.example' }, body }],
  ['its own address as Via', 200, '', { headers: { ...json, via: '1.1 somebody' }, body }],
  ['another method', 405, '', { method: 'DELETE' }],
  ['to be closed', 200, '', { headers: { ...json, connection: 'close' }, body }],
])('%s is answered with %i alike past Hono and through it', async (_, status, query, request) => {
  const path = `/zeroia/decisions${query}`;
  const direct = await answerTo(path, request);
  expect(direct).toMatchObject({ status, length: true });
  expect(await answerTo(appliance.url + path, request)).toEqual(direct);
});

test.each([
  ['another Host', 421, 'Host: elsewhere.example\r\n'],
  ['no Host', 400, ''],
  ['a Host that is none', 400, 'Host: a b\r\n'],
])('%s is %i', async (_, status, host) => {
  const head = `POST /zeroia/decisions HTTP/1.1\r\n${host}Content-Type: application/json\r\n`;
  const answer = await sendBytes(
    appliance.url,
    `${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

test('what comes on one connection is answered there, in turn, also behind a refusal whose body nobody read', async () => {
  const head = (type: string) =>
    `POST /zeroia/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n`;
  const request = (type = 'application/json') => `${head(type)}\r\n${body}`;
  const last = `${head('application/json')}Connection: close\r\n\r\n${body}`;
  const answer = await sendBytes(appliance.url, request() + request('text/plain') + request() + last);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([
    'HTTP/1.1 200',
    'HTTP/1.1 415',
    'HTTP/1.1 200',
    'HTTP/1.1 200',
  ]);
});

test('who breaks off in the middle of the body gets nothing recorded, and the next is served', async () => {
  const size = async () =>
    ((await appliance.json('/ledger/events?limit=1&type=decision_made')) as { size: number }).size;
  const before = await size();
  const head = 'POST /zeroia/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';
  for (let i = 0; i < 20; i++)
    await sendBytes(appliance.url, `${head}Content-Length: ${body.length + 1}\r\n\r\n${body}`, { end: true });
  expect((await appliance.post('/zeroia/decisions', body)).status).toBe(200);
  expect(await size()).toBeLessThan(before + 20);
  expect(appliance.output.text).not.toContain('could not be written');
});
