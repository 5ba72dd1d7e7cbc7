import pino from 'pino';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createObserver } from './observe.js';

function setUp(level: string) {
  const state = { nowMs: 10 };
  const times: [string, string, number][] = [];
  const lines: string[] = [];
  const metrics = new Registry();
  const observer = createObserver({
    metrics,
    latency: {
      recorder: (kind, name) => ({ add: (ms) => times.push([kind, name, ms]) }),
      status: () => ({}),
    },
    clock: { monotonicMs: () => state.nowMs, wallMs: () => 0 },
    log: pino({ level }, { write: (line: string) => lines.push(line) }),
  });
  return { state, times, lines, metrics, observer };
}

it('counts by method, route and status, and gives the time to the route', async () => {
  const { state, times, metrics, observer, lines } = setUp('info');
  const get = observer('GET', '/a');
  const post = observer('POST', '/a');
  observer('GET', '/never');
  get(200, 4);
  state.nowMs = 12;
  get(200, 12);
  get(503, 2);
  post(200, 11);
  expect(times).toEqual([
    ['http', '/a', 6],
    ['http', '/a', 0],
    ['http', '/a', 10],
    ['http', '/a', 1],
  ]);
  for (let scrape = 0; scrape < 2; scrape++) {
    const lines = (await metrics.metrics()).split('\n').filter((line) => line.startsWith('arkalia'));
    expect(lines).toEqual([
      'arkalia_http_requests_total{method="GET",route="/a",status="200"} 2',
      'arkalia_http_requests_total{method="GET",route="/a",status="503"} 1',
      'arkalia_http_requests_total{method="POST",route="/a",status="200"} 1',
    ]);
  }
  expect(lines).toEqual([]);
});

it('logs each request at debug', () => {
  const { lines, observer } = setUp('debug');
  observer('GET', '/a')(404, 8.766);
  expect(JSON.parse(lines[0]!)).toMatchObject({ method: 'GET', route: '/a', status: 404, took_ms: 1.23 });
});
