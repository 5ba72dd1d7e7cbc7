import type { RecoveryStrategy } from './recovery.js';

/**
 * What an error is: passes by itself, stays until something is changed, comes of too much load, makes what is stored or said doubtful, or
 * is the fault of whoever asked.
 */
export const errorClasses = ['transient', 'permanent', 'overload', 'integrity', 'caller'] as const;
export type ErrorClass = (typeof errorClasses)[number];

/** Something that the appliance could not mend: a person looks at it and closes it. */
export interface Incident {
  /** Such as `inc-4f1a22c9`. */
  id: string;
  /** The check that found it, and what it found it on. */
  check: string;
  target: string;
  class: ErrorClass;
  problem: string;
  /** What was tried, in order. */
  tried: RecoveryStrategy[];
  opened_ms: number;
  /** When the check last found nothing any more; null while it still does. */
  cleared_ms: number | null;
  /** When somebody took it on, and who: a key's id or `control socket`. */
  acknowledged_ms: number | null;
  acknowledged_by: string | null;
  closed_ms: number | null;
  /** Who closed it: a key's id or `control socket`. */
  closed_by: string | null;
}

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
