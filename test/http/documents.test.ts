import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { analyticsAnswer } from '../../runtime/contracts/analytics.js';
import { errorCodes } from '../../runtime/contracts/errors.js';
import { TestAppliance } from '../support/appliance.js';

type Json = Record<string, unknown>;
interface Operation {
  operationId: string;
  summary: string;
  parameters: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { required: boolean; content: Record<string, { schema: Json }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: Json }> }>;
  security?: Record<string, unknown>[];
}
interface Document extends Json {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Json>;
}
interface Page {
  events: { index: number; type: string; stream: string | null }[];
  next: number | null;
  size: number;
}

let appliance: TestAppliance;
beforeAll(async () => {
  appliance = await TestAppliance.start({
    env: { ARKALIA_REFLEXIA_INTERVAL_MS: '3600000', ARKALIA_ZEROIA_ACT: 'false' },
  });
});
afterAll(() => appliance.close());

const operations = async () => {
  const document = (await appliance.json('/openapi.json')) as unknown as Document;
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
};

describe('/openapi.json', () => {
  test('is OpenAPI 3.1: version, info, paths with whole operations, and references that lead somewhere', async () => {
    const document = (await appliance.json('/openapi.json')) as unknown as Document;
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Arkalia-LUNA', version: '0.1.0' });
    const all = await operations();
    for (const { path, method, operation } of all) {
      expect(path).toMatch(/^\/[^:?#\s]*$/);
      expect(['get', 'post', 'delete']).toContain(method);
      expect(operation.summary.length).toBeGreaterThan(3);
      expect(Object.keys(operation.responses).length).toBeGreaterThanOrEqual(2);
      for (const [status, { description }] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^([1-5]\d\d|default)$/);
        expect(description).toEqual(expect.any(String));
      }
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(declared.map(({ name }) => name)).toEqual(inPath);
      expect(declared.every(({ required }) => required)).toBe(true);
      expect(operation.requestBody !== undefined).toBe(method === 'post');
    }
    const ids = all.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, pointer] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
      expect(pointer).toMatch(/^#\//);
      const found = pointer!
        .slice(2)
        .split('/')
        .reduce<unknown>((at, part) => (at as Json | undefined)?.[part], document);
      expect([pointer, found]).toEqual([pointer, expect.any(Object)]);
    }
    for (const scheme of (document.security as Json[]).flatMap((requirement) => Object.keys(requirement)))
      expect(document.components.securitySchemes).toHaveProperty(scheme);
  });

  test('lists the routes of the issue and every error code', async () => {
    const listed = (await operations()).map(({ path, method }) => `${method} ${path}`);
    for (const route of [
      'get /health',
      'get /ready',
      'get /status',
      'post /echo',
      'post /chat',
      'post /zeroia/decisions',
      'get /zeroia/status',
      'get /ledger/events',
      'get /metrics',
      'get /openapi.json',
      'get /docs',
      'post /v1/chat/completions',
      'get /v1/models',
      'get /v1/models/{id}',
    ])
      expect(listed).toContain(route);
    const document = (await appliance.json('/openapi.json')) as unknown as Document;
    const problem = (document.components.schemas as Json).Problem as {
      properties: { code: { enum: string[] } };
    };
    expect(problem.properties.code.enum).toEqual(Object.keys(errorCodes));
  });

  test('says 4xx only where the server does: each GET without parameters answers what it declares', async () => {
    for (const { path, method, operation } of await operations()) {
      if (method !== 'get' || path.includes('{')) continue;
      if (operation.parameters.some(({ required }) => required)) continue;
      const answer = await fetch(appliance.url + path, { redirect: 'manual' });
      const declared = operation.responses[String(answer.status)];
      const scope = (operation as unknown as Json)['x-scope'];
      // What this device may not without a key.
      if (scope === 'admin' || scope === 'operate') expect([path, answer.status]).toEqual([path, 401]);
      else expect([path, declared]).toEqual([path, expect.any(Object)]);
      const type = Object.keys(declared?.content ?? {})[0];
      if (type !== undefined) expect([path, answer.headers.get('content-type')]).toEqual([path, type]);
      // One of them never ends by itself.
      if (type?.startsWith('text/event-stream')) await answer.body?.cancel();
      else await answer.arrayBuffer();
    }
  });
});

test('/docs works without a network: no script, nothing from elsewhere, and its policy forbids both', async () => {
  const answer = await fetch(`${appliance.url}/docs`);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|script-src|https?:|\*/);
  const page = await answer.text();
  expect(page).not.toMatch(/<script|<iframe|<object|<embed|<link|<img|<base|javascript:|\son\w+\s*=/i);
  expect(page).not.toMatch(/@import|url\(/i);
  expect(page).not.toMatch(/(?:src|href|action|srcset)\s*=\s*["']?(?:https?:)?\/\//i);
  const addresses = [...page.matchAll(/https?:\/\/[^\s"'<\\]+/g)].map(([address]) => new URL(address).host);
  expect(new Set(addresses)).toEqual(new Set(['127.0.0.1:8000']));
  for (const { path, method } of await operations())
    expect(page).toContain(`${method.toUpperCase()} ${path}`);
  for (const code of Object.keys(errorCodes)) expect(page).toContain(`id="error-${code}"`);
});

test('/metrics parses as the text format of Prometheus and has our own figures', async () => {
  await appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'none' });
  const answer = await fetch(`${appliance.url}/metrics`);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  expect(text.endsWith('\n')).toBe(true);
  const typed = new Set<string>();
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment !== null) {
      if (comment[1] === 'TYPE') typed.add(comment[2]!);
      continue;
    }
    const label = '[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
    const match = new RegExp(`^([a-zA-Z_:][\\w:]*)(\\{${label}(?:,${label})*,?\\})? (\\S+)$`).exec(line);
    expect([line, match]).toEqual([line, expect.any(Array)]);
    const [, name, labels = '', value] = match!;
    const family = typed.has(name!) ? name! : name!.replace(/_(bucket|sum|count)$/, '');
    expect([line, typed.has(family)]).toEqual([line, true]);
    expect(series.has(name! + labels)).toBe(false);
    expect([line, value === '+Inf' || value === 'Nan' || Number.isFinite(Number(value))]).toEqual([
      line,
      true,
    ]);
    series.set(name! + labels, Number(value));
  }
  expect(series.get('arkalia_decisions_posted_total{decision="normal"}')).toBe(1);
  expect(series.get('arkalia_degradation_level')).toEqual(expect.any(Number));
  expect(series.get('arkalia_ledger_events')).toBeGreaterThanOrEqual(2);
  expect(
    series.get('arkalia_http_requests_total{method="POST",route="/zeroia/decisions",status="200"}'),
  ).toBe(1);
});

describe('/ledger/events', () => {
  const page = async (query: string) => (await appliance.json(`/ledger/events${query}`)) as unknown as Page;

  test('pages cover everything once, in both orders, filtered by type', async () => {
    const made: number[] = [];
    for (let i = 0; i < 25; i++) {
      const answer = await appliance.post('/zeroia/decisions', {
        cpu: i,
        ram: 1,
        severity: 'none',
        stream: 'pages',
      });
      made.push(((await answer.json()) as { receipt: { index: number } }).receipt.index);
    }
    const seen: number[] = [];
    for (let since = 0; ; ) {
      const { events } = await page(`?stream=posted:pages&since=${since}&limit=7`);
      expect(events.length).toBeLessThanOrEqual(7);
      if (events.length === 0) break;
      seen.push(...events.map(({ index }) => index));
      since = events.at(-1)!.index + 1;
    }
    expect(seen).toEqual(made);
    const newest = await page('?stream=posted:pages&order=desc&limit=3');
    expect(newest.events.map(({ index }) => index)).toEqual(made.slice(-3).reverse());
    const fromMiddle = await page(`?stream=posted:pages&order=desc&since=${made[20]}`);
    expect(fromMiddle.events.map(({ index }) => index)).toEqual(made.slice(20).reverse());
  });

  test('`next` leads through all pages, and the other filters select', async () => {
    for (const order of ['asc', 'desc']) {
      const seen: number[] = [];
      let place = '';
      for (let pages = 0; pages < 100; pages++) {
        const { events, next } = await page(`?stream=posted:pages&order=${order}&limit=5${place}`);
        seen.push(...events.map(({ index }) => index));
        if (next === null) break;
        place = `&${order === 'asc' ? 'since' : 'until'}=${next}`;
      }
      expect(seen.length).toBe(25);
      expect(new Set(seen).size).toBe(25);
    }
    const answer = await appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'none' });
    const { receipt } = (await answer.json()) as { receipt: { index: number } };
    const id = answer.headers.get('x-request-id');
    const asked = await page(`?correlation_id=${id}&module=zeroia&from=2020-01-01T00:00:00Z`);
    expect(asked.events.map(({ index }) => index)).toEqual([receipt.index]);
    expect((await page(`?correlation_id=${id}&to=2020-01-01T00:00:00Z`)).events).toEqual([]);
    expect((await page('?text=system%20STARTED')).events.map(({ index }) => index)).toEqual([0]);
    const bad = await fetch(`${appliance.url}/ledger/events?from=2026-13-40T00:00:00Z`);
    expect([bad.status, await bad.json()]).toMatchObject([400, { code: 'invalid_request', param: 'from' }]);
  });

  test('/ledger/analytics counts what /ledger/events lists', async () => {
    const figures = analyticsAnswer.parse(await appliance.json('/ledger/analytics?hours=720'));
    const { events } = await page('?limit=1000');
    expect(figures.size).toBe(events.length);
    const made = events.filter(({ type }) => type === 'decision_made').length;
    expect(figures.standing.types.decision_made).toBe(made);
    expect(Object.values(figures.decisions.counts).reduce((sum, count) => sum + count, 0)).toBe(made);
    expect(figures.baseline.state).toBe('learning');
    for (const hours of ['0', '721', '1.5']) {
      expect((await fetch(`${appliance.url}/ledger/analytics?hours=${hours}`)).status).toBe(400);
    }
  });

  test('the log has no gaps, begins with the start, and size counts all of it', async () => {
    const { events, size } = await page('?limit=1000');
    expect(events.map(({ index }) => index)).toEqual(events.map((_, i) => i));
    expect(size).toBe(events.length);
    expect(events[0]).toMatchObject({ index: 0, type: 'system_started' });
  });

  test('a type selects its events only; one that never was gives none', async () => {
    const { events } = await page('?type=decision_made&limit=1000');
    expect(events.length).toBeGreaterThan(0);
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['decision_made']));
    expect((await page('?type=no_such_type')).events).toEqual([]);
    expect((await page('?since=999999999999999')).events).toEqual([]);
  });
});
