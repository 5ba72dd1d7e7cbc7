import { serve } from '@hono/node-server';
import { Hono } from 'hono';

// The floor: the smallest Hono route that parses a JSON body and answers with it.
const app = new Hono();
app.post('/echo', async (c) => c.json(await c.req.json()));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
  process.send?.({ address: `http://127.0.0.1:${port}` }),
);
process.on('disconnect', () => process.exit(0));
