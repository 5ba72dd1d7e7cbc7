import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * The floor of bench:chat in a process of its own: passes each request on to the engine in its first argument and the answer back as it comes,
 * and commits a row of as many bytes as its second says before the end. It checks nothing.
 */
const engine = new URL(process.argv[2]!);
const rowBytes = Number(process.argv[3]);
const folder = mkdtempSync(join(tmpdir(), 'arkalia-floor-'));
const writer = new Worker(new URL('./chat-floor-writer.js', import.meta.url), {
  workerData: join(folder, 'rows.sqlite'),
});
/** Who waits for their rows, oldest first; the writer keeps the order. */
const waiting: (() => void)[] = [];
writer.on('message', () => waiting.shift()?.());
const committed = () =>
  new Promise<void>((resolve) => {
    waiting.push(resolve);
    writer.postMessage(Buffer.alloc(rowBytes, 'x'));
  });

const agent = new http.Agent({ keepAlive: true });
const server = http.createServer((request, response) => {
  const { method, url = '/', headers } = request;
  const onward = http.request(new URL(url, engine), { method, agent, headers }, async (answer) => {
    response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] });
    // The engine says its mark of the end in a piece of its own, or with what it said just before.
    for await (const piece of answer as AsyncIterable<Buffer>) {
      const end = piece.indexOf('data: [DONE]');
      if (end === -1) {
        response.write(piece);
        continue;
      }
      if (end > 0) response.write(piece.subarray(0, end));
      await committed();
      response.write(piece.subarray(end));
    }
    response.end();
  });
  onward.on('error', (error) => response.destroy(error));
  request.pipe(onward);
});

server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once('disconnect', async () => {
  await writer.terminate();
  rmSync(folder, { recursive: true });
  process.exit(0);
});
