import { serve } from '@hono/node-server';
import { Hono } from 'hono';

// The floor: the smallest Hono routes that parse a JSON body and answer, with the body itself or with as many bytes as asked for.
const app = new Hono();
app.post('/echo', async (c) => c.json(await c.req.json()));
let answer: unknown = {};
app.post('/answer', async (c) => {
  answer = await c.req.json();
  return c.json({});
});
app.post('/same-bytes', async (c) => {
  await c.req.json();
  return c.json(answer);
});
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
  process.send?.(`http://127.0.0.1:${port}`),
);
process.once('disconnect', () => process.exit(0));
