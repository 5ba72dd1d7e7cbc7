import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { type Components, fits, fitting, type Schema } from './json-schema.js';
import { adminHeaders, type Operation, readOperations, refusalOf, shapeOf } from './operations.js';
import { type RawAnswer, send } from './raw.js';

const numRuns = process.env.ARKALIA_TEST_LONG === undefined ? 60 : 2000;
let appliance: TestAppliance;
let components: Components;
let withBody: (Operation & { body: Schema })[];
let operations: Operation[];
let headers: Record<string, string>;

beforeAll(async () => {
  appliance = await TestAppliance.start({
    env: { ARKALIA_ZEROIA_ACT: 'false', ARKALIA_LIMITS_PROMPTS_BURST: '100000' },
  });
  ({ operations, components } = await readOperations(appliance));
  withBody = operations.filter(
    (operation): operation is Operation & { body: Schema } => operation.body !== undefined,
  );
  headers = await adminHeaders(appliance);
});
afterAll(() => appliance.close());
afterEach(async () => {
  expect(await appliance.json('/health')).toMatchObject({ status: 'ok' });
  // A refusal is the caller's fault: nothing is logged as a failure of ours.
  expect(appliance.output.text).not.toContain('request failed');
});

const post = (path: string, body: string | Buffer, more: Record<string, string> = {}): Promise<RawAnswer> =>
  send(appliance.url, { method: 'POST', path, headers: { ...headers, ...more }, body });
const objectOf = (schema: Schema) => ({
  properties: schema.properties ?? {},
  required: schema.required ?? [],
});
const closed = (schema: Schema): boolean =>
  schema.additionalProperties === false || (schema.anyOf?.every(closed) ?? false);

test('the document names the routes that take a body or a query', () => {
  expect(withBody.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      '/echo',
      '/chat',
      '/zeroia/decisions',
      '/keys',
      '/setup',
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/embeddings',
      '/api/chat',
      '/api/generate',
    ]),
  );
  expect(operations.filter(({ query }) => Object.keys(query).length > 0).map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      '/zeroia/decisions',
      '/chat',
      '/ledger/events/stream',
      '/ledger/analytics',
      '/ledger/events',
      '/ledger/proof/inclusion',
      '/ledger/proof/consistency',
    ]),
  );
  const open = withBody.filter(({ body }) => !closed(body)).map(({ path }) => path);
  expect(open.filter((path) => shapeOf(path) === 'problem')).toEqual([]);
});

describe('bodies made from the document', () => {
  test('any JSON value that does not fit is refused', async () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    for (const { path, body, shape } of withBody)
      await fc.assert(
        fc.asyncProperty(value, async (sent) => {
          fc.pre(!fits(body, sent, components));
          expect(refusalOf(await post(path, JSON.stringify(sent)), shape).code).toBe('invalid_request');
        }),
        { numRuns },
      );
  });

  test('one field of another kind in a body that fits is refused by its name', async () => {
    const wrong = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(
        'NaN',
        '85',
        '',
        -1,
        1e300,
        -1e300,
        1.5,
        2 ** 53,
        '\u0000',
        '../../etc/passwd',
        [[]],
        {},
      ),
    );
    for (const { path, body, shape } of withBody) {
      const { properties } = objectOf(body);
      for (const [name, schema] of Object.entries(properties)) {
        // The message of /echo may be anything.
        if (path === '/echo') continue;
        await fc.assert(
          fc.asyncProperty(fitting(body, components), wrong, async (good, bad) => {
            fc.pre(!fits(schema, bad, components));
            const answer = await post(path, JSON.stringify({ ...(good as object), [name]: bad }));
            const { code, detail, param } = refusalOf(answer, shape);
            expect([path, code]).toEqual([path, 'invalid_request']);
            expect(param?.split('.')[0]).toBe(name);
            expect(detail).toContain(name);
          }),
          { numRuns: Math.ceil(numRuns / 4) },
        );
      }
    }
  });

  test('each field that is required is missed by its name', async () => {
    for (const { path, body, shape } of withBody) {
      for (const name of objectOf(body).required)
        await fc.assert(
          fc.asyncProperty(fitting(body, components), async (good) => {
            const { [name]: _, ...rest } = good as Record<string, unknown>;
            const { code, param, detail } = refusalOf(await post(path, JSON.stringify(rest)), shape);
            expect([path, code, param]).toEqual([path, 'invalid_request', name]);
            expect(detail).toContain(name);
          }),
          { numRuns: 5 },
        );
    }
  });

  test('a field that is not known is refused by its name on our own routes', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'severety',
        'Message',
        '__proto__',
        'constructor',
        'toString',
        'prototype',
        'hasOwnProperty',
      ),
      fc.string({ minLength: 1, maxLength: 20 }),
    );
    for (const { path, body, shape } of withBody.filter((operation) => closed(operation.body))) {
      const { properties } = objectOf(body);
      await fc.assert(
        fc.asyncProperty(
          fitting(body, components),
          name,
          fc.jsonValue({ maxDepth: 1 }),
          async (good, more, value) => {
            fc.pre(!Object.hasOwn(properties, more));
            // Joined as text: an object literal would take __proto__ for something else.
            const text = JSON.stringify(good).slice(0, -1);
            const sent = `${text}${text === '{' ? '' : ','}${JSON.stringify(more)}:${JSON.stringify(value)}}`;
            const { code, detail } = refusalOf(await post(path, sent), shape);
            expect([path, code]).toEqual([path, 'invalid_request']);
            expect(detail).toContain(more);
          },
        ),
        { numRuns: Math.ceil(numRuns / 3) },
      );
    }
  });

  test('/v1 ignores fields that it does not know', async () => {
    const messages = [{ role: 'user', content: 'How are you?', name: 'me', cache_control: { type: 'x' } }];
    for (const more of [
      { top_k: 40 },
      { parallel_tool_calls: false, user: 'u', metadata: { a: '1' } },
      { x: null },
    ]) {
      const answer = await post(
        '/v1/chat/completions',
        JSON.stringify({ model: 'arkalia', messages, ...more }),
      );
      expect([more, answer.status]).toEqual([more, 200]);
    }
  });

  test('what fits the document of /echo and /zeroia/decisions is taken', async () => {
    for (const path of ['/echo', '/zeroia/decisions']) {
      const { body } = withBody.find((operation) => operation.path === path)!;
      await fc.assert(
        fc.asyncProperty(fitting(body, components), async (good) => {
          expect(fits(body, good, components)).toBe(true);
          const answer = await post(path, JSON.stringify(good), { prefer: 'wait=0' });
          expect([200, 202]).toContain(answer.status);
        }),
        { numRuns },
      );
    }
  });
});

describe('what JSON is not', () => {
  test.each([
    'NaN',
    'Infinity',
    '-Infinity',
    '1e999',
    '-1e999',
    'undefined',
    '0x10',
    '01',
    '+1',
    '.5',
    "'a'",
    '1,',
    '/**/1',
    '\u00001',
    '"\n"',
    '"\\x41"',
    '{"a":1,}',
    '[1,]',
    'nul',
    'True',
  ])('the literal %s as a value is refused on every route', async (literal) => {
    for (const { path, body, shape } of withBody) {
      const names = Object.keys(objectOf(body).properties);
      for (const name of names.length === 0 ? ['x'] : names) {
        const { status, code } = refusalOf(await post(path, `{${JSON.stringify(name)}:${literal}}`), shape);
        expect([path, status]).toEqual([path, 400]);
        expect(['invalid_json', 'invalid_request']).toContain(code);
      }
    }
  });

  test('half a surrogate pair, which is JSON and no Unicode text, never breaks a route', async () => {
    const half = '"\\ud800"';
    const taken: [string, string][] = [
      ['/echo', `{"message":${half}}`],
      ['/zeroia/decisions', `{"cpu":1,"ram":1,"severity":"none","context":${half}}`],
      ['/zeroia/decisions', `{"cpu":1,"ram":1,"severity":"none","context":{${half}:${half}}}`],
      ['/zeroia/decisions', `{"cpu":1,"ram":1,"severity":"none","stream":${half}}`],
      ['/chat', `{"message":${half}}`],
      ['/chat', `{"message":"hi","session_id":${half}}`],
      ['/chat', `{"message":"hi","model":${half}}`],
      ['/v1/chat/completions', `{"model":"arkalia","messages":[{"role":"user","content":${half}}]}`],
      ['/keys', `{"name":${half},"role":"user"}`],
      ['/setup', `{"code":${half}}`],
    ];
    for (const [path, body] of taken) {
      const answer = await post(path, body);
      expect([path, body, answer.status < 500]).toEqual([path, body, true]);
    }
  });
});
