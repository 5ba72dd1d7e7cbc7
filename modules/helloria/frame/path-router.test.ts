import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { PathRouter } from './path-router.js';

function app(): Hono {
  const app = new Hono({ router: new PathRouter() });
  app.on('GET', '/keys/:id', (c) => c.text(`one ${c.req.param('id')}`));
  app.on('GET', '/keys/usage', (c) => c.text('usage'));
  app.on('DELETE', '/keys/:id', (c) => c.text(`gone ${c.req.param('id')}`));
  app.on('GET', '/tile/:level/:path{.+}', (c) => c.text(`${c.req.param('level')} ${c.req.param('path')}`));
  app.on('POST', '/echo', async (c) => c.text(await c.req.text()));
  app.notFound((c) => c.text('nothing', 404));
  return app;
}
const ask = async (method: string, path: string, body?: string) => {
  const answer = await app().request(path, { method, ...(body === undefined ? {} : { body }) });
  return `${answer.status} ${await answer.text()}`;
};

test.each([
  ['GET', '/keys/usage', '200 usage'],
  ['GET', '/keys/k1', '200 one k1'],
  ['DELETE', '/keys/usage', '200 gone usage'],
  ['GET', '/tile/0/x001/234', '200 0 x001/234'],
  ['HEAD', '/keys/usage', '200 '],
  ['GET', '/keys/usage?id=1', '200 usage'],
  ['GET', '/keys/us%61ge', '200 usage'],
])('%s %s finds %s', async (method, path, answer) => expect(await ask(method, path)).toBe(answer));

test.each([
  ['POST', '/keys/usage'],
  ['GET', '/keys/usage/'],
  ['GET', '/keys'],
  ['GET', '/keys/:id/x'],
  ['GET', '//keys/usage'],
  ['GET', '/__proto__'],
  ['GET', '/echo'],
])('%s %s finds nothing', async (method, path) => expect(await ask(method, path)).toBe('404 nothing'));

test('gives the body of a request to a path that is spelled out', async () =>
  expect(await ask('POST', '/echo', 'hello')).toBe('200 hello'));

test('handlers of one path and method come in the order in which they were added', () => {
  const router = new PathRouter<string>();
  router.add('GET', '/a', 'first');
  router.add('GET', '/a', 'second');
  expect(router.match('GET', '/a')[0].map(([handler]) => handler)).toEqual(['first', 'second']);
  expect(router.match('POST', '/a')[0]).toEqual([]);
});

test('refuses what would stand around other routes', () => {
  expect(() => new Hono({ router: new PathRouter() }).use((_, next) => next())).toThrow(/all methods/);
});
