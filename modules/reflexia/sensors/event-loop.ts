import type { Sensor } from './sensor.js';

/** The part of perf_hooks' IntervalHistogram that is used; its values are nanoseconds. */
export interface DelayHistogram {
  readonly count: number;
  readonly max: number;
  reset(): void;
}

/**
 * Longest delay of the event loop since the last reading, in ms. The histogram measures from tick to tick of a timer, so its
 * period is taken off.
 */
export function eventLoopSensor(
  histogram: DelayHistogram,
  resolutionMs: number,
): Sensor<'event_loop_delay_ms'> {
  return {
    name: 'event_loop_delay_ms',
    async read() {
      const { count, max } = histogram;
      histogram.reset();
      if (count === 0) return undefined;
      return Math.round(Math.max(0, max / 1e6 - resolutionMs) * 100) / 100;
    },
  };
}
