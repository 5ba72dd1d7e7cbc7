import type { BreakerSnapshot } from '../../../runtime/contracts/breaker.js';
import type { LatencyStatus } from '../../../runtime/contracts/latency.js';
import type { Sensor } from './sensor.js';
import { since } from './since.js';

/** The 90th percentile of the slowest engine; undefined when none was called in the last minutes. */
export function engineLatencySensor(latencies: () => Record<string, LatencyStatus>): Sensor<'engine_p90_ms'> {
  return {
    name: 'engine_p90_ms',
    async read() {
      const known = Object.values(latencies()).flatMap(({ p90_ms }) => p90_ms ?? []);
      return known.length === 0 ? undefined : Math.max(...known);
    },
  };
}

/** Calls that the breakers counted as failures since the last reading. */
export function engineErrorsSensor(breakers: () => BreakerSnapshot[]): Sensor<'engine_errors'> {
  const failures = () => breakers().reduce((sum, { totals }) => sum + totals.failures, 0);
  return { name: 'engine_errors', read: since(failures) };
}
