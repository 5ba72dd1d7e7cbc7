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

/** Holds an answer: all sockets read into the same bytes, one after the other. */
const readBytes = 65_536;

/**
 * A closed-loop client: each kept-alive connection sends its next request when the answer to the last is complete. It writes bytes
 * made in advance, reads into one buffer past the streams of Node, and looks at no more than status and length, so that on two cores
 * the server is measured and not the client: what it takes of the cores the server's threads cannot have.
 */
function run({ url, body, connections, seconds }: Load): void {
  const { hostname, port, host, pathname } = new URL(url);
  const request = Buffer.from(
    `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const latency = createHistogram();
  const buffer = Buffer.alloc(readBytes);
  let answered = 0;
  let failed = 0;
  let running = true;
  for (let i = 0; i < connections; i++) {
    /** Of an answer that came in pieces. */
    let received: Buffer | undefined;
    let sentMs = 0;
    const send = () => {
      sentMs = performance.now();
      socket.write(request);
    };
    const hear = (piece: Buffer) => {
      const answer = received === undefined ? piece : Buffer.concat([received, piece]);
      const head = answer.indexOf(endOfHead);
      const text = answer.toString('latin1', 0, Math.max(0, head));
      if (head < 0 || answer.length < head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1])) {
        received = Buffer.from(answer);
        return;
      }
      received = undefined;
      if (!running) return;
      if (text.startsWith('HTTP/1.1 200')) answered += 1;
      else failed += 1;
      latency.record(Math.max(1, Math.round((performance.now() - sentMs) * 1e6)));
      send();
    };
    const onread = {
      buffer,
      callback: (bytes: number) => {
        hear(buffer.subarray(0, bytes));
        return true;
      },
    };
    const socket = connect({ port: Number(port), host: hostname, noDelay: true, onread }, send);
    socket.on('error', () => {
      failed += running ? 1 : 0;
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
