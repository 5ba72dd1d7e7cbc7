import type { ErrorClass } from '../contracts/incident.js';
import type { RecoveryStrategy } from '../contracts/recovery.js';

/** Tries to mend one issue. What it throws is classified; that it came to its end means nothing until the check has run again. */
export interface Fixup {
  readonly name: string;
  apply(): Promise<void>;
}

/** Something that is wrong now. */
export interface Issue {
  /** What it is found on, such as an engine's name. */
  target: string;
  class: ErrorClass;
  /** In a sentence, with what a person can do. */
  problem: string;
  /** What may be tried, by strategy. */
  fixups: Partial<Record<RecoveryStrategy, Fixup>>;
}

/** Looks at one thing, and quickly. It changes nothing. */
export interface Check {
  readonly name: string;
  readonly about: string;
  run(): Issue[];
}
