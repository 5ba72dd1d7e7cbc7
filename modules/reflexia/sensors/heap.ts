import type { Sensor } from './sensor.js';

export interface HeapUse {
  /** JavaScript objects. */
  used_heap_size: number;
  /** Held by them outside the heap: buffers, strings from outside, code. */
  external_memory: number;
}

/** `read` is v8.getHeapStatistics. */
export function heapSensor(read: () => HeapUse): Sensor<'heap_bytes'> {
  return { name: 'heap_bytes', read: async () => read().used_heap_size };
}

export function externalMemorySensor(read: () => HeapUse): Sensor<'external_bytes'> {
  return { name: 'external_bytes', read: async () => read().external_memory };
}
