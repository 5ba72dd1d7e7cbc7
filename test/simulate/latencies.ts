import type { Latencies, LatencyKind, LatencyStatus } from '../../runtime/contracts/latency.js';
import { type CoreLatencies, LATENCY_WINDOW_MS } from '../../runtime/metrics/latencies.js';
import type { Life } from './virtual-time.js';

const silent = { add: () => undefined };

/**
 * The real sketches of the engines' times, read out only when something was added since. Times of HTTP routes are left out: nothing
 * decides by them, and reading out sixty sketches a minute would take longer than the rest.
 */
export function simulatedLatencies(latencies: CoreLatencies, life: Life): Latencies {
  let known: Record<string, LatencyStatus> | undefined;
  /** Windows that something was added in may still count. */
  let windows = 0;
  life.repeat(() => {
    if (windows === 0) return;
    windows--;
    latencies.move();
    known = undefined;
  }, LATENCY_WINDOW_MS);
  return {
    recorder(kind: LatencyKind, name: string) {
      if (kind === 'http') return silent;
      const recorder = latencies.recorder(kind, name);
      return {
        add(ms) {
          known = undefined;
          windows = 3;
          recorder.add(ms);
        },
      };
    },
    status(kind) {
      if (kind === 'http') return {};
      known ??= latencies.status(kind);
      return known;
    },
  };
}
