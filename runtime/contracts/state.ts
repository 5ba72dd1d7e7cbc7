import type { z } from 'zod';

/** What a module has learned and acts by, such as its thresholds. */
export interface StateSpec<T> {
  /** Begins with the module's name, such as `zeroia.thresholds`. */
  name: string;
  /** What it must look like; one that was kept and does not is forgotten. Its values are JSON. */
  schema: z.ZodType<T>;
  /** What holds as long as nothing was learned. */
  initial: T;
  /** Puts an earlier version in force in the running module, because one after it made health worse. */
  restore(value: T, why: string): void | Promise<void>;
}

/** Versions of one module's state. A change is on probation; one that makes health worse within it is undone. */
export interface StateVersions<T> {
  /** What holds now: at first what the last process left, if it has not been undone since. */
  current(): T;
  /** Whether it may be changed to this: not within an hour after it made health worse, nor while too many changes are on probation. */
  mayChange(value: T): boolean;
  /**
   * Keeps the change and begins its probation. What holds in the module is the module's own matter. Resolves when it is written.
   * @param options.probation False for a change that only protects, such as that something doubtful is not acted on: it is good at once.
   * @throws RangeError when it may not be changed to this.
   */
  change(value: T, why: string, options?: { probation?: boolean }): Promise<void>;
}

export interface States {
  /** Called once for each name, in `provision`. @throws RangeError for a name that is taken. */
  open<T>(spec: StateSpec<T>): StateVersions<T>;
}

/** A version that was undone. */
export interface UndoneState {
  /** By its digest, as the one that it went back to. */
  version: string;
  back_to: string;
  why: string;
  at_ms: number;
}

/** What /status tells of one state. */
export interface StateStatus {
  name: string;
  version: string;
  since_ms: number;
  why: string;
  /** The last version that has been through its probation. */
  good: string;
  /** Changes since, each on probation. */
  on_probation: number;
  /** The last ones, newest last. None of them is tried again within an hour. */
  undone: UndoneState[];
}
