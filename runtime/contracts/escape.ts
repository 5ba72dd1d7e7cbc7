import type { EscapeOutcome, SandboxStatus } from '../../sandbox/types.js';

export type { EscapeOutcome } from '../../sandbox/types.js';

/** What is known of the escape probe. */
export interface EscapeStatus {
  /** `off`: sandbox.probe is false; `failed`: it could not be run to its end. */
  state: 'off' | 'running' | 'done' | 'failed';
  /** When the attempts were made, in ms since 1970: at this start, or at the one that the result is kept from. */
  at_ms?: number;
  /** Whether the result is from an earlier start, with the same kernel, level and versions. */
  kept?: boolean;
  attempts: EscapeOutcome[];
}

/** The sandbox as /status shows it. */
export type SandboxReport = SandboxStatus & { escape: EscapeStatus };
