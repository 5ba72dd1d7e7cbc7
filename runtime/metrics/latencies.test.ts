import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { CoreLatencies } from './latencies.js';
import { publishLatencies } from './latency-metrics.js';

describe('latencies', () => {
  it('keeps kinds and names apart, and gives the same recorder again', () => {
    const latencies = new CoreLatencies(Core.create());
    latencies.recorder('http', '/chat').add(5);
    latencies.recorder('engine', '/chat').add(50);
    latencies.recorder('http', '/chat').add(5);
    expect(latencies.status('http')).toEqual({ '/chat': expect.objectContaining({ count: 2, max_ms: 5 }) });
    expect(latencies.status('engine')).toEqual({
      '/chat': expect.objectContaining({ count: 1, p50_ms: 50, p999_ms: 50 }),
    });
  });

  it('forgets in its quantiles what is older than two moves of the window, and never in its counts', () => {
    const latencies = new CoreLatencies(Core.create());
    const recorder = latencies.recorder('http', '/');
    const status = () => latencies.status('http')['/'];
    for (let i = 0; i < 9; i++) recorder.add(100);
    latencies.move();
    recorder.add(1);
    expect(status()?.p50_ms).toBeCloseTo(100, -1);
    latencies.move();
    expect(status()?.p50_ms).toBeCloseTo(1, 1);
    latencies.move();
    expect(status()).toEqual({ count: 10, max_ms: 100 });
  });

  it('puts what has no sketch of its own under other', () => {
    const core = Core.create();
    const latencies = new CoreLatencies(core);
    const own = core.sketches.sketches - 2;
    for (let i = 0; i < own + 3; i++) latencies.recorder('http', `/${i}`).add(1);
    const status = latencies.status('http');
    expect(Object.keys(status)).toHaveLength(own + 1);
    expect(status.other?.count).toBe(3);
    expect(() => new CoreLatencies(core)).toThrow('all 63 sketches');
  });
});

describe('published latencies', () => {
  it('are a histogram whose counts are exact and rise, and quantiles', async () => {
    const latencies = new CoreLatencies(Core.create());
    const registry = new Registry();
    publishLatencies(latencies, registry);
    for (const ms of [0.5, 1, 2, 2.5, 100, 5000]) latencies.recorder('http', '/a').add(ms);
    latencies.recorder('engine', 'ollama').add(300);
    const text = await registry.metrics();
    expect(text).toContain('# TYPE arkalia_http_request_seconds histogram\n');
    const value = (series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')[1],
      );
    const bucket = (le: string) => value(`arkalia_http_request_seconds_bucket{le="${le}",route="/a"}`);
    // A time that is an edge is counted in the bucket that begins there.
    expect(['0.001', '0.0025', '0.005', '0.1', '0.25', '4.096', '8.192', '+Inf'].map(bucket)).toEqual([
      1, 3, 4, 4, 5, 5, 6, 6,
    ]);
    expect(value('arkalia_http_request_seconds_count{route="/a"}')).toBe(6);
    expect(value('arkalia_http_request_seconds_sum{route="/a"}')).toBeCloseTo(5.106, 9);
    const quantile = value('arkalia_http_request_quantile_seconds{route="/a",quantile="0.999"}');
    expect(Math.abs(quantile - 0.1) / 0.1).toBeLessThan(1 / 129);
    expect(value('arkalia_engine_call_seconds_bucket{le="0.5",engine="ollama"}')).toBe(1);
    expect(value('arkalia_engine_call_quantile_seconds{engine="ollama",quantile="0.5"}')).toBe(0.3);
  });

  it('have only bounds that are edges of buckets, so that every count is exact', async () => {
    const latencies = new CoreLatencies(Core.create());
    const registry = new Registry();
    publishLatencies(latencies, registry);
    latencies.recorder('http', '/').add(1);
    latencies.recorder('engine', 'x').add(1);
    const bounds = [...(await registry.metrics()).matchAll(/[{,]le="([\d.]+)"/g)].map(
      ([, le]) => Number(le) * 1000,
    );
    expect(bounds).toHaveLength(29);
    for (const bound of bounds) {
      const part = (bound / 2 ** Math.floor(Math.log2(bound))) * 64;
      expect([bound, part]).toEqual([bound, Math.round(part)]);
    }
  });
});
