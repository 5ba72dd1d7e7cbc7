import type { Sensor } from './sensor.js';

/** Time in the garbage collector since the last reading. `takeMs` gives what was added up, and starts again from nothing. */
export function garbageSensor(takeMs: () => number): Sensor<'gc_ms'> {
  return { name: 'gc_ms', read: async () => Math.round(takeMs() * 100) / 100 };
}
