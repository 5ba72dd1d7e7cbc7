import type { QueueStatus } from '../../../runtime/contracts/admission.js';
import type { Sensor } from './sensor.js';

const sumOf = (queues: Record<string, QueueStatus>, field: 'waiting' | 'busy') =>
  Object.values(queues).reduce((sum, queue) => sum + queue[field], 0);

/** Prompts that wait for a slot, of all engines. */
export function queueWaitingSensor(queues: () => Record<string, QueueStatus>): Sensor<'queue_waiting'> {
  return { name: 'queue_waiting', read: async () => sumOf(queues(), 'waiting') };
}

/** Prompts that have a slot. */
export function queueBusySensor(queues: () => Record<string, QueueStatus>): Sensor<'queue_busy'> {
  return { name: 'queue_busy', read: async () => sumOf(queues(), 'busy') };
}
