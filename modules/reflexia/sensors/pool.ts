import type { Sensor } from './sensor.js';

/** Batches of decisions at the pool's threads. */
export function poolSensor(batchesOut: () => number): Sensor<'pool_batches'> {
  return { name: 'pool_batches', read: async () => batchesOut() };
}
