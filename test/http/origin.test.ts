import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { refusalOf, shapeOf } from './operations.js';
import { problemOf, send, sendBytes, sendJson } from './raw.js';

const home = 'https://home.example';
let appliance: TestAppliance;
let url: string;
/** Method and path of every route that is served, path parameters filled in. */
let routes: { method: string; path: string }[];

beforeAll(async () => {
  appliance = await TestAppliance.start({
    env: {
      ARKALIA_HTTP_CORS_ORIGINS: home,
      ARKALIA_HTTP_ALLOWED_HOSTS: 'luna.example',
      ARKALIA_ZEROIA_ACT: 'false',
    },
  });
  url = appliance.url;
  const { paths } = (await appliance.json('/openapi.json')) as { paths: Record<string, object> };
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.replace(/\{\w+\}/g, 'abc'),
    })),
  );
});
afterAll(() => appliance.close());

const size = async () =>
  ((await appliance.json('/ledger/events?limit=1')) as unknown as { size: number }).size;
const decisions = async () =>
  ((await appliance.json('/zeroia/status')) as { posted: Record<string, number> }).posted;
const decision = JSON.stringify({ cpu: 99, ram: 99, severity: 'critical' });
const errorCode = (answer: Awaited<ReturnType<typeof send>>, path: string) =>
  refusalOf(answer, shapeOf(path)).code;

describe('DNS rebinding: the page of a name that now leads here', () => {
  test.each([
    'attacker.example',
    'attacker.example:8000',
    '127.0.0.1.attacker.example',
    'localhost.attacker.example',
  ])('every route refuses Host %s with 421 and says nothing else', async (host) => {
    expect(routes.length).toBeGreaterThan(15);
    for (const { method, path } of routes) {
      // A rebound page is of the same origin as what it asks, so its Origin agrees with its Host.
      const headers = { host, origin: `http://${host}`, 'content-type': 'application/json' };
      const body = method === 'POST' ? decision : undefined;
      for (const sent of [headers, { host, 'content-type': 'application/json' }]) {
        const answer = await send(url, { method, path, headers: sent, ...(body ? { body } : {}) });
        expect([method, path, answer.status]).toEqual([method, path, 421]);
        expect(errorCode(answer, path)).toBe('misdirected_request');
        expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
      }
    }
  });

  test('neither what is not there nor a preflight nor HEAD tells such a page more', async () => {
    for (const [method, path] of [
      ['GET', '/nope'],
      ['OPTIONS', '/echo'],
      ['HEAD', '/status'],
      ['PUT', '/keys'],
    ] as const) {
      const answer = await send(url, { method, path, headers: { host: 'attacker.example' } });
      expect([method, path, answer.status, answer.headers.allow]).toEqual([method, path, 421, undefined]);
    }
  });

  test('names that are ours are answered: loopback names, the port left out, configured names', async () => {
    const { port } = new URL(url);
    for (const host of [
      'localhost',
      `127.0.0.1:${port}`,
      '127.8.9.1',
      '[::1]:80',
      'LUNA.example',
      'luna.example.',
    ]) {
      const answer = await send(url, { path: '/health', headers: { host } });
      expect([host, answer.status]).toEqual([host, 200]);
    }
  });

  test.each([
    '',
    'local host',
    'localhost/evil',
    'localhost@attacker.example',
    'localhost:99999999',
    '2130706433',
    '0x7f.1',
    '[::ffff:7f00:1]',
  ])('a Host that is none or is written oddly (%j) is refused', async (host) => {
    const answer = await sendBytes(url, `GET /status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|421) /);
    expect(answer).toContain('"code":');
    expect(answer).not.toContain('"modules"');
  });
});

test('two Hosts are refused, also when the first, the last or both are ours; two types of a body as well', async () => {
  const twice = (name: string, first: string, last: string) =>
    sendBytes(
      url,
      `POST /echo HTTP/1.1\r\n${name === 'Host' ? '' : 'Host: localhost\r\n'}${name}: ${first}\r\n${name}: ${last}\r\n${name === 'Content-Type' ? '' : 'Content-Type: application/json\r\n'}Content-Length: 13\r\nConnection: close\r\n\r\n{"message":1}`,
    );
  for (const [first, last] of [
    ['localhost', 'evil.example'],
    ['evil.example', 'localhost'],
    ['localhost', 'localhost'],
  ] as const) {
    expect([first, last, await twice('Host', first, last)]).toEqual([
      first,
      last,
      expect.stringMatching(/^HTTP\/1\.1 4(00|21) /),
    ]);
  }
  expect(await twice('Content-Type', 'application/json', 'text/plain')).toMatch(/^HTTP\/1\.1 415 /);
});

test('a target in absolute form counts as its Host', async () => {
  const ask = (target: string) =>
    sendBytes(url, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  expect(await ask('http://attacker.example/status')).toMatch(/^HTTP\/1\.1 421 /);
  expect(await ask('http://localhost.attacker.example:80/status')).toMatch(/^HTTP\/1\.1 421 /);
  expect(await ask('http://127.0.0.1/health')).toMatch(/^HTTP\/1\.1 200 /);
});

describe('a foreign page', () => {
  test.each([
    ['text/plain', 'http://evil.example', 403],
    ['text/plain;charset=UTF-8', 'http://evil.example', 403],
    ['application/x-www-form-urlencoded', 'http://evil.example', 403],
    ['application/json', 'http://evil.example', 403],
    ['text/plain', undefined, 415],
    ['text/plain; application/json', undefined, 415],
    ['multipart/form-data; boundary=x', undefined, 415],
    [undefined, undefined, 415],
  ])('cannot post a decision as %s with Origin %s: %d, and nothing happens', async (type, origin, status) => {
    const before = await decisions();
    const headers: Record<string, string> = {};
    if (type !== undefined) headers['content-type'] = type;
    if (origin !== undefined) headers.origin = origin;
    const answer = await send(url, { method: 'POST', path: '/zeroia/decisions', headers, body: decision });
    expect(answer.status).toBe(status);
    expect(problemOf(answer).code).toBe(status === 403 ? 'forbidden' : 'unsupported_media_type');
    expect(await decisions()).toEqual(before);
  });

  test('every route refuses a foreign Origin, also null, other ports and schemes, and look-alikes', async () => {
    const { port } = new URL(url);
    const foreign = [
      'null',
      'http://evil.example',
      `http://127.0.0.1:${Number(port) + 1}`,
      `https://127.0.0.1:${port}`,
      'http://home.example',
      'https://home.example.evil.example',
      'https://home.example:444',
      `${home}, http://evil.example`,
      '*',
      '',
    ];
    const before = await size();
    for (const origin of foreign)
      for (const { method, path } of routes) {
        const headers = { origin, 'content-type': 'application/json' };
        const answer = await send(url, {
          method,
          path,
          headers,
          ...(method === 'POST' ? { body: decision } : {}),
        });
        expect([origin, method, path, answer.status]).toEqual([origin, method, path, 403]);
        expect(errorCode(answer, path)).toBe('forbidden');
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    const { events } = (await appliance.json(`/ledger/events?since=${before}`)) as unknown as {
      events: { stream: string | null }[];
    };
    expect(events.filter(({ stream }) => stream !== 'device')).toEqual([]);
  });

  test('gets no leave from a preflight', async () => {
    for (const { path } of routes) {
      const answer = await send(url, {
        method: 'OPTIONS',
        path,
        headers: {
          origin: 'http://evil.example',
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'content-type',
          'access-control-request-private-network': 'true',
        },
      });
      expect([path, answer.status]).toEqual([path, 403]);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

describe('our own pages and configured origins', () => {
  test('the same origin passes and needs no CORS headers', async () => {
    const answer = await sendJson(url, '/echo', { message: 1 }, { origin: url });
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  test('a configured origin gets its preflight and may read answers and errors, and only it', async () => {
    const preflight = await send(url, {
      method: 'OPTIONS',
      path: '/echo',
      headers: {
        origin: home,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': home,
      'access-control-allow-methods': expect.stringContaining('POST'),
      'access-control-allow-headers': expect.stringMatching(/authorization.*content-type/),
      vary: 'Origin',
    });
    // Cookies are not ours; with this header a page could act with what the browser holds.
    expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials');
    for (const [path, body, status] of [
      ['/echo', { message: 'hi' }, 200],
      ['/echo', { massage: 'hi' }, 400],
      ['/nope', {}, 404],
    ] as const) {
      const answer = await sendJson(url, path, body, { origin: home });
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': home,
        'access-control-expose-headers': expect.stringContaining('Arkalia-Receipt'),
        vary: 'Origin',
      });
    }
  });
});
