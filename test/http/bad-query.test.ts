import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { type Components, fits } from './json-schema.js';
import { adminHeaders, type Operation, readOperations, refusalOf } from './operations.js';
import { send } from './raw.js';

const numRuns = process.env.ARKALIA_TEST_LONG === undefined ? 60 : 2000;
let appliance: TestAppliance;
let components: Components;
let operations: Operation[];
let headers: Record<string, string>;

beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false' } });
  ({ operations, components } = await readOperations(appliance));
  headers = await adminHeaders(appliance);
});
afterAll(() => appliance.close());
afterEach(async () => {
  expect(await appliance.json('/health')).toMatchObject({ status: 'ok' });
  expect(appliance.output.text).not.toContain('request failed');
});

test('a parameter that is given twice is refused by its name, whether the two agree or not', async () => {
  for (const query of ['limit=1&limit=2', 'limit=1&limit=1', 'order=asc&limit=5&order=desc']) {
    const { code, param } = refusalOf(
      await send(appliance.url, { path: `/ledger/events?${query}`, headers }),
      'problem',
    );
    expect([query, code, param]).toEqual([query, 'invalid_request', query.split('=')[0]]);
  }
});

test('what does not fit is refused by its name; so is what is not known', async () => {
  const { path, query } = operations.find((operation) => operation.path === '/ledger/events')!;
  const ask = (name: string, value: string) =>
    send(appliance.url, { path: `${path}?${new URLSearchParams({ [name]: value })}`, headers });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(query)),
      fc.oneof(
        fc.string(),
        fc.constantFrom('-1', '1.5', '1e3', '0x10', 'NaN', ' 1', '9'.repeat(16), 'ASC', 'a'.repeat(201)),
      ),
      async (name, value) => {
        fc.pre(!fits(query[name]!, value, components));
        const { code, param } = refusalOf(await ask(name, value), 'problem');
        expect([name, value, code, param]).toEqual([name, value, 'invalid_request', name]);
      },
    ),
    { numRuns },
  );
  for (const [name, value] of [
    ['limit', '0'],
    ['limit', '1001'],
    ['limit', '999999999999999'],
  ] as const)
    expect(refusalOf(await ask(name, value), 'problem')).toMatchObject({ param: name });
  for (const name of ['Type', 'offset', '__proto__', 'constructor'])
    expect(refusalOf(await ask(name, '1'), 'problem').detail).toContain(name);
});

test('a path parameter that is nothing we know is a 404, whatever it holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), async (id) => {
      fc.pre(id !== '.' && id !== '..');
      const path = encodeURIComponent(id);
      const key = await send(appliance.url, { method: 'DELETE', path: `/keys/${path}`, headers });
      expect(refusalOf(key, 'problem').status).toBe(404);
      const model = await send(appliance.url, { path: `/v1/models/${path}`, headers });
      expect(refusalOf(model, 'openai').status).toBe(404);
    }),
    { numRuns },
  );
});
