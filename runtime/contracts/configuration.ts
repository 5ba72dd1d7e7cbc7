/** A configuration that was not started with, or not any more, because another one is better for health. */
export interface RolledBack {
  /** The one that was given, by its digest; null for one that could not even be read. */
  version: string | null;
  /** The one in force instead. */
  backTo: string;
  why: string;
}
