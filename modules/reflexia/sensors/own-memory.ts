import type { Sensor } from './sensor.js';

/** Resident memory of our own process, in bytes; workers are processes of their own and not in it. */
export function ownMemorySensor(rss: () => number): Sensor<'process_rss_bytes'> {
  return { name: 'process_rss_bytes', read: async () => rss() };
}
