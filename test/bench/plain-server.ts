import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

/**
 * What durable decisions cost without the journey: a Hono route that parses a body, answers with as many bytes as asked for and has one
 * writer thread commit them in groups before it does. No checks, no roles, no limits, no scoring, no hashes and no tree.
 */
const folder = mkdtempSync(join(tmpdir(), 'arkalia-bench-'));
const writer = new Worker(new URL('./plain-writer.js', import.meta.url), { workerData: folder });

interface Waiting {
  text: string;
  resolve: () => void;
}
let collecting: Waiting[] = [];
const sent: Waiting[][] = [];
let isScheduled = false;

function send(): void {
  isScheduled = false;
  if (sent.length > 0 || collecting.length === 0) return;
  sent.push(collecting);
  writer.postMessage(collecting.map(({ text }) => text));
  collecting = [];
}

writer.on('message', (messages: number) => {
  const groups = sent.splice(0, messages);
  send();
  for (const group of groups) for (const { resolve } of group) resolve();
});

function durably(text: string): Promise<void> {
  return new Promise((resolve) => {
    collecting.push({ text, resolve });
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(send);
  });
}

const app = new Hono();
let answer: object = {};
app.post('/answer', async (c) => {
  answer = (await c.req.json()) as object;
  return c.json({});
});
app.post('/decisions', async (c) => {
  await c.req.json();
  await durably(JSON.stringify(answer));
  return c.json(answer);
});
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) =>
  process.send?.(`http://127.0.0.1:${port}`),
);
process.once('disconnect', async () => {
  await writer.terminate();
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
