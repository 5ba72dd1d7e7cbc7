import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';

/** What one run is to do; given as JSON in the first argument. */
export interface Load {
  url: string;
  body: string;
  connections: number;
  seconds: number;
}

/** What one run saw; sent to the parent. */
export interface Measured {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 200, and connections that broke. */
  failed: number;
}

const endOfHead = Buffer.from('\r\n\r\n');

/**
 * A closed-loop client: each kept-alive connection sends its next request when the answer to the last is complete. It writes bytes
 * made in advance and reads no more than status and length, so that on two cores the server is measured and not the client: it needs a
 * third of the processor time of a general one, whose own limit was near 17,000 requests a second here.
 */
function run({ url, body, connections, seconds }: Load): void {
  const { hostname, port, host, pathname } = new URL(url);
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const latency = createHistogram();
  let answered = 0;
  let failed = 0;
  let running = true;
  for (let i = 0; i < connections; i++) {
    let received: Buffer = Buffer.alloc(0);
    let sentNs = process.hrtime.bigint();
    const socket = connect(Number(port), hostname, () => socket.write(request));
    socket.setNoDelay(true);
    socket.on('error', () => {
      failed += running ? 1 : 0;
    });
    socket.on('data', (piece: Buffer) => {
      received = received.length === 0 ? piece : Buffer.concat([received, piece]);
      const head = received.indexOf(endOfHead);
      if (head < 0) return;
      const text = received.toString('latin1', 0, head);
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
      if (received.length < head + 4 + length) return;
      received = Buffer.alloc(0);
      const now = process.hrtime.bigint();
      if (!running) return;
      if (text.startsWith('HTTP/1.1 200')) answered += 1;
      else failed += 1;
      latency.record(now - sentNs);
      sentNs = now;
      socket.write(request);
    });
  }
  const began = performance.now();
  setTimeout(() => {
    running = false;
    const measured: Measured = {
      requestsPerSecond: Math.round((answered * 1000) / (performance.now() - began)),
      p50Ms: latency.percentile(50) / 1e6,
      p99Ms: latency.percentile(99) / 1e6,
      failed,
    };
    process.send?.(measured, () => process.exit(0));
  }, seconds * 1000);
}

run(JSON.parse(process.argv[2] ?? '{}') as Load);
