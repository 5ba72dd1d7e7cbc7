import type { Verdict } from './judge.js';

export interface WatchdogData {
  memory: SharedArrayBuffer;
  /** How long the appliance may take to close. */
  closeMs: number;
  /** How long the HTTP thread may be silent. */
  silentMs: number;
}

export type WatchdogRequest = { kind: 'ready' } | { kind: 'closing' } | { kind: 'end' };

/** What the thread says to the HTTP thread, which hears it when it is not stuck itself. */
export type WatchdogReply =
  /** Whoever keeps us has been told that we serve. */
  | { kind: 'told' }
  | { kind: 'late' | 'stuck' | 'back'; verdict: Verdict }
  | { kind: 'problem'; problem: string };
