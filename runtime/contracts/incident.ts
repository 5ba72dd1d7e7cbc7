import { z } from 'zod';
import { recoveryStrategies } from './recovery.js';

/**
 * What an error is: passes by itself, stays until something is changed, comes of too much load, makes what is stored or said doubtful, or
 * is the fault of whoever asked.
 */
export const errorClasses = ['transient', 'permanent', 'overload', 'integrity', 'caller'] as const;
export type ErrorClass = (typeof errorClasses)[number];

const when = z.number().nullable();

/** Something that the appliance could not mend: a person looks at it and closes it. */
export const incidentSchema = z.strictObject({
  id: z.string().describe('Such as inc-4f1a22c9'),
  check: z.string().describe('The check that found it'),
  target: z.string().describe('What it found it on'),
  class: z.enum(errorClasses),
  problem: z.string(),
  tried: z.array(z.enum(recoveryStrategies)).describe('What was tried, in order'),
  opened_ms: z.number(),
  cleared_ms: when.describe('When the check last found nothing any more; null while it does'),
  acknowledged_ms: when.describe('When somebody took it on'),
  acknowledged_by: z.string().nullable().describe("A key's id or control socket"),
  closed_ms: when,
  closed_by: z.string().nullable().describe("A key's id or control socket"),
});
export type Incident = z.infer<typeof incidentSchema>;

export interface Incidents {
  /** All that are kept, newest first. */
  all(): Incident[];
  /** Those that nobody has closed. */
  open(): Incident[];
  /** Notes that somebody looks after it; undefined when there is none of that id. The first who did stays, a closed one stays as it is. */
  acknowledge(id: string, by: string): Promise<Incident | undefined>;
  /** Closes it; undefined when there is none of that id. One that is closed stays as it is. */
  close(id: string, by: string): Promise<Incident | undefined>;
}
