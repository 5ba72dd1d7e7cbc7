import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../../../runtime/contracts/clock.js';
import type { Latencies } from '../../../runtime/contracts/latency.js';

/** Called once for each answer. */
export type Observe = (status: number, startedMs: number) => void;

/** Highest status of HTTP, exclusive. */
const STATUS_END = 600;

interface Series {
  method: string;
  route: string;
  /** Answers by status. */
  counts: Float64Array;
}

export interface ObserverOptions {
  metrics: Registry;
  latency: Latencies;
  clock: Clock;
  log: Logger;
}

/**
 * Counts answers by method, route and status, and gives their times to the sketch of the route. Everything that has a name is looked
 * up once for each route, when it is mounted; an answer costs one reading of the clock and two additions.
 */
export function createObserver({ metrics, latency, clock, log }: ObserverOptions) {
  const all: Series[] = [];
  new Counter({
    name: 'arkalia_http_requests_total',
    help: 'Requests answered, by method, route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [metrics],
    collect() {
      this.reset();
      for (const { method, route, counts } of all) {
        counts.forEach((count, status) => {
          if (count > 0) this.inc({ method, route, status }, count);
        });
      }
    },
  });
  const debug = log.isLevelEnabled('debug');

  return (method: string, route: string): Observe => {
    const counts = new Float64Array(STATUS_END);
    const times = latency.recorder('http', route);
    all.push({ method, route, counts });
    return (status, startedMs) => {
      const tookMs = clock.monotonicMs() - startedMs;
      counts[status]!++;
      times.add(tookMs);
      if (debug) log.debug({ method, route, status, took_ms: Math.round(tookMs * 100) / 100 }, 'request');
    };
  };
}
