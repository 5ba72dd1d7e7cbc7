import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminHeaders } from '../http/operations.js';
import { send } from '../http/raw.js';
import { TestAppliance } from '../support/appliance.js';
import { currentTypes, operationsFile, operationTypes } from './api-types.js';

let appliance: TestAppliance;
beforeAll(async () => {
  appliance = await TestAppliance.start();
});
afterAll(() => appliance.close());

describe('the page', () => {
  test('is under a policy that lets nothing in from elsewhere and nothing inline', async () => {
    const page = await fetch(appliance.url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      expect(policy.split('; ')).toContain(rule);
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|https?:\/\//i);
  });

  test('and everything that it names are here, kept for ever under their names, compressed', async () => {
    const html = await (await fetch(appliance.url)).text();
    const named = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
    expect(named.length).toBeGreaterThanOrEqual(3);
    for (const path of named) {
      const file = await send(appliance.url, { path, headers: { 'accept-encoding': 'gzip' } });
      expect([path, file.status, file.headers['cache-control']]).toEqual([
        path,
        200,
        'public, max-age=31536000, immutable',
      ]);
      if (path.endsWith('.js')) expect(file.headers['content-encoding']).toBe('gzip');
      expect(file.headers.vary).toBe('Accept-Encoding');
    }
  });

  test('is asked for again only by its tag', async () => {
    const { headers } = await send(appliance.url, { path: '/' });
    expect(headers['cache-control']).toBe('no-cache');
    const again = await send(appliance.url, { path: '/', headers: { 'if-none-match': `W/${headers.etag}` } });
    expect([again.status, again.text]).toEqual([304, '']);
    const other = await send(appliance.url, { path: '/', headers: { 'if-none-match': '"other"' } });
    expect(other.status).toBe(200);
  });

  test('no name leads out of its folder', async () => {
    for (const path of [
      '/assets/../index.html',
      '/assets/..%2findex.js',
      '/assets/%2e%2e%2f%2e%2e%2fnyxalia%2findex.js',
      '/assets/',
      '/assets/__proto__',
      '/assets/a%00.js',
    ])
      expect([path, (await send(appliance.url, { path })).status]).toEqual([path, 404]);
  });

  test('a foreign page, or one under a foreign name, does not get it', async () => {
    expect((await send(appliance.url, { path: '/', headers: { host: 'attacker.example' } })).status).toBe(
      421,
    );
    expect(
      (await send(appliance.url, { path: '/', headers: { origin: 'https://attacker.example' } })).status,
    ).toBe(403);
  });
});

describe('what the page reads', () => {
  test('the configuration is for operators', async () => {
    expect((await send(appliance.url, { path: '/nyxalia/config' })).status).toBe(401);
    const { text } = await send(appliance.url, {
      path: '/nyxalia/config',
      headers: await adminHeaders(appliance),
    });
    const { keys } = JSON.parse(text) as { keys: { key: string; value: unknown }[] };
    expect(keys).toContainEqual({ key: 'guard.mode', value: 'enforce' });
    expect(keys).toContainEqual({
      key: 'engines.order',
      value: ['ollama', 'openai', 'embedded', 'navigator'],
    });
  });

  test('the history has columns of one length', async () => {
    for (const window of ['hour', 'day']) {
      const history = await appliance.json(`/nyxalia/history?window=${window}`);
      const columns = Object.values(history).filter(Array.isArray);
      expect(columns).toHaveLength(9);
      expect(new Set(columns.map(({ length }) => length)).size).toBe(1);
    }
    expect((await fetch(`${appliance.url}/nyxalia/history?window=year`)).status).toBe(400);
  });
});

describe('the types of the page', () => {
  test('are those of the OpenAPI document; "npm run build && npm run generate:api" makes them anew', async () => {
    expect(await readFile(operationsFile, 'utf8')).toBe(await currentTypes());
  });

  test('cannot be made for a route that is not there', () => {
    expect(() => operationTypes({ paths: {}, components: { schemas: {} } })).toThrow('POST /chat');
  });
});

test('without the module the address leads to the documentation, and there is no socket', async () => {
  const plain = await TestAppliance.start({
    env: { ARKALIA_MODULES_ENABLED: 'zeroia,reflexia,assistantia,helloria' },
  });
  try {
    const answer = await fetch(plain.url, { redirect: 'manual' });
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/docs']);
    expect((await fetch(`${plain.url}/ws`)).status).toBe(404);
  } finally {
    await plain.close();
  }
});
