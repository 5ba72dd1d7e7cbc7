import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { heedsKey } from '../../modules/helloria/frame/once.js';
import { AppError } from '../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteCall } from '../../runtime/contracts/http.js';
import { LedgerIdempotency } from '../../runtime/idempotency/idempotency.js';
import { TestAppliance } from '../support/appliance.js';
import { FakeLedger, ManualClock } from '../support/fake-context.js';
import { cli } from './cli.js';
import { problemOf, send } from './raw.js';

/** Idempotency-Key on the routes that change the device. */
let appliance: TestAppliance;
let dataDir: string;
let admin = '';
let keys = 0;

const start = async () => {
  appliance = await TestAppliance.start({ dataDir, env: { ARKALIA_ZEROIA_ACT: 'false' } });
};
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-once-'));
  await start();
  admin = await newKey('admin');
});
afterAll(async () => {
  await appliance.close();
  await rm(dataDir, { recursive: true });
});

async function newKey(role: string): Promise<string> {
  const argv = ['keys', 'create', `${role}${++keys}`, '--role', role, '--data', appliance.dataDir];
  return (await cli(argv, { cwd: appliance.dataDir })).stdout.trim();
}
const idOf = (key: string) => key.split('_')[1]!;
const ask = (method: string, path: string, body?: object, once?: string, key = admin) =>
  send(appliance.url, {
    ...{ method, path },
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(once === undefined ? {} : { 'idempotency-key': once }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const count = async (type: string) => {
  const { text } = await ask('GET', `/ledger/events?type=${type}&limit=1000`);
  return (JSON.parse(text) as { events: unknown[] }).events.length;
};

test('what was done is answered again and not done again; without the header it is tried again', async () => {
  const path = `/keys/${idOf(await newKey('user'))}`;
  const before = await count('key_revoked');
  const first = await ask('DELETE', path, undefined, 'revoke');
  const again = await ask('DELETE', path, undefined, 'revoke');
  expect([first.status, again.status]).toEqual([204, 204]);
  expect([first, again].map(({ headers }) => headers['idempotency-replayed'])).toEqual([undefined, 'true']);
  expect((await ask('DELETE', path)).status).toBe(404);
  expect((await count('key_revoked')) - before).toBe(1);

  const order = { order: 'forced_open' };
  const forced = await ask('POST', '/breakers/ollama', order, 'force');
  await ask('POST', '/breakers/ollama', { order: 'reset' });
  const told = await ask('POST', '/breakers/ollama', order, 'force');
  expect([told.status, told.text, told.headers['content-type']]).toEqual([
    ...[200, forced.text, forced.headers['content-type']],
  ]);
  expect((await ask('GET', '/breakers')).text).not.toContain('"state":"forced_open"');
});

test('another body or address is 422; another caller, route or key is another request', async () => {
  const forced = (name: string, order: string, once: string, key = admin) =>
    ask('POST', `/breakers/${name}`, { order }, once, key);
  expect((await forced('openai', 'forced_open', 'one')).status).toBe(200);
  for (const other of [await forced('openai', 'reset', 'one'), await forced('ollama', 'forced_open', 'one')])
    expect([other.status, problemOf(other).code]).toEqual([422, 'idempotency_mismatch']);
  const operator = await newKey('operator');
  expect((await forced('openai', 'reset', 'one', operator)).headers['idempotency-replayed']).toBeUndefined();
  expect((await forced('openai', 'forced_open', 'two')).status).toBe(200);
  expect((await ask('POST', '/ledger/erase', { session: 'nobody' }, 'one')).status).toBe(200);
  await forced('openai', 'reset', 'three');
});

test('a failure is given again as it was', async () => {
  const answers = [];
  for (let n = 0; n < 2; n++) answers.push(await ask('DELETE', '/keys/nobody', undefined, 'failing'));
  const [first, again] = answers.map(problemOf);
  expect([first!.status, first!.code, first!.detail]).toEqual([again!.status, again!.code, again!.detail]);
  expect(first!.code).toBe('not_found');
});

test('many at once: one is done, the others are told to come back or get its answer', async () => {
  const before = await count('erased');
  const asked = Array.from({ length: 8 }, () => ask('POST', '/ledger/erase', { session: 'none' }, 'many'));
  const answers = await Promise.all(asked);
  for (const { status, headers } of answers) {
    if (status === 409) expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    else expect(status).toBe(200);
  }
  expect((await ask('POST', '/ledger/erase', { session: 'none' }, 'many')).status).toBe(200);
  expect((await count('erased')) - before).toBe(1);
});

test('over a restart the answer is still there', async () => {
  const path = `/keys/${idOf(await newKey('user'))}`;
  expect((await ask('DELETE', path, undefined, 'restart')).status).toBe(204);
  await appliance.close();
  await start();
  const again = await ask('DELETE', path, undefined, 'restart');
  expect([again.status, again.headers['idempotency-replayed']]).toEqual([204, 'true']);
});

/** Routes that refuse the header, and what the reason must speak of. */
const refusing: Record<string, [body: object | undefined, reason: string]> = {
  'POST /keys': [{ name: 'x', role: 'user' }, 'secret'],
  'POST /setup': [{ code: 'x' }, 'secret'],
  'POST /login': [{ user: 'ada', password: 'wrong horse battery' }, 'password'],
  'POST /me/password': [{ current: 'x', password: 'wrong horse battery' }, 'password'],
  'POST /users': [{ name: 'ada', role: 'user', password: 'wrong horse battery' }, 'password'],
  'POST /users/{name}/password': [{ password: 'wrong horse battery' }, 'password'],
  'POST /models/{name}': [undefined, 'piece'],
};

test('a secret is not kept: such a route refuses the header, says why, and does nothing', async () => {
  const before = await Promise.all([count('key_created'), count('request_started')]);
  for (const [route, [body, reason]] of Object.entries(refusing)) {
    const [method = '', path = ''] = route.split(' ');
    const query = body === undefined ? '?at=0&of=1' : '';
    const answer = await ask(method, path.replace('{name}', 'ada') + query, body, 'secret');
    const { code, detail, param } = problemOf(answer) as unknown as Record<string, string>;
    expect([route, answer.status, code, param]).toEqual([route, 400, 'invalid_request', 'Idempotency-Key']);
    expect(detail).toContain(reason);
  }
  expect(await Promise.all([count('key_created'), count('request_started')])).toEqual(before);
});

test('every route that changes the device heeds the header, refuses it, or is one that only reads', async () => {
  const { paths } = (await appliance.json('/openapi.json')) as unknown as {
    paths: Record<
      string,
      Record<string, { 'x-role': string; 'x-scope'?: string; parameters: { in: string; name: string }[] }>
    >;
  };
  const left = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, { 'x-role': role }]) => method !== 'get' && /operator|admin/.test(role))
      .filter(([, { parameters }]) => !parameters.some(({ name }) => name === 'Idempotency-Key'))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  expect(left.filter((route) => refusing[route] === undefined)).toEqual(['POST /mcp']);
});

/** One route over a ledger in memory, whose work can be made to fail. */
function smallRoute() {
  const clock = new ManualClock();
  const ledger = new FakeLedger(clock);
  let done = 0;
  let work = async () => {};
  const route = defineRoute({
    ...{ method: 'POST', path: '/things', role: 'admin', scope: 'admin', tag: 'test', errors: 'problem' },
    summary: 'Does it',
    body: z.object({}),
    responses: {},
    handler: async () => {
      await work();
      return json({ done: ++done });
    },
  });
  const handlerOf = () =>
    heedsKey(route, {
      idempotency: new LedgerIdempotency({ ledger, clock, keysMax: 10, keepMs: 60_000 }),
      ledger,
    });
  let requests = 0;
  const call = () =>
    ({
      c: { req: { path: '/things' } },
      body: {},
      caller: { role: 'admin', keyId: 'k', id: 'key:k' },
      requestId: `r${++requests}`,
      header: () => 'one',
    }) as unknown as RouteCall<unknown, unknown>;
  return { ledger, handlerOf, call, done: () => done, will: (next: () => Promise<void>) => (work = next) };
}

test('done, but its answer could not be recorded: nobody does it again', async () => {
  const { ledger, handlerOf, call, done, will } = smallRoute();
  const handler = handlerOf();
  will(async () => {
    ledger.failure = new AppError('ledger_unavailable', 'The disk is full');
  });
  await expect(handler(call())).rejects.toMatchObject({ code: 'ledger_unavailable' });
  ledger.failure = undefined;
  for (const again of [handler, handlerOf()])
    await expect(again(call())).rejects.toMatchObject({ code: 'outcome_unknown', status: 409 });
  expect(done()).toBe(1);
});

test('a server that died in the middle: after the restart it is not done again', async () => {
  const { handlerOf, call, done, will } = smallRoute();
  const begun = new Promise<void>((resolve) =>
    will(() => {
      resolve();
      return new Promise(() => {});
    }),
  );
  void handlerOf()(call());
  await begun;
  await expect(handlerOf()(call())).rejects.toMatchObject({ code: 'outcome_unknown' });
  expect(done()).toBe(0);
});

test('what only says how things stood is not kept: the next one does it', async () => {
  const { handlerOf, call, will } = smallRoute();
  const handler = handlerOf();
  will(async () => {
    await pause(1);
    throw new AppError('ledger_unavailable', 'Not now');
  });
  await expect(handler(call())).rejects.toMatchObject({ code: 'ledger_unavailable' });
  will(async () => {});
  expect(await handler(call())).toMatchObject({ status: 200, text: '{"done":1}' });
  expect(await handler(call())).toMatchObject({
    text: '{"done":1}',
    headers: { 'idempotency-replayed': 'true' },
  });
});
