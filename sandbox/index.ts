import type { SandboxOptions } from './options.js';
import { Supervisor } from './prompt-runner.js';
import type { EscapeOutcome, PromptRunner } from './types.js';

export type { Incident, SandboxOptions } from './options.js';

/** The sandbox of one server. */
export interface Sandbox extends PromptRunner {
  /** Brings the workers up. */
  start(): Promise<void>;
  /** Tries to escape from a worker as this host isolates it; undoes what succeeds. `files`: what must not be read. */
  probeEscape(files: { ledger: string; keys: string }, signal: AbortSignal): Promise<EscapeOutcome[]>;
  /** Gives the memory of the embedded model back: now, or after the answers that it is generating. The next prompt loads it again. */
  unloadModel(): void;
  /** Leaves no process behind. */
  close(): Promise<void>;
}

/** A sandbox that is not started yet. */
export function createPromptRunner(options: SandboxOptions): Sandbox {
  return new Supervisor(options);
}
