import type { SandboxOptions } from './options.js';
import { Supervisor } from './prompt-runner.js';
import type {
  EscapeOutcome,
  PromptRunner,
  ToolServerListener,
  ToolServerProcess,
  ToolServerSpec,
} from './types.js';

export type { Incident, SandboxOptions } from './options.js';
export type { ToolServerEnding, ToolServerListener, ToolServerProcess, ToolServerSpec } from './types.js';

/** The sandbox of one server. */
export interface Sandbox extends PromptRunner {
  /** Brings the workers up. */
  start(): Promise<void>;
  /** Tries to escape from a worker as this host isolates it; undoes what succeeds. `files`: what must not be read. */
  probeEscape(files: { ledger: string; keys: string }, signal: AbortSignal): Promise<EscapeOutcome[]>;
  /**
   * Starts a tool server: at level strict without network and with the listed folders only, at other levels with the listed variables and
   * limits only. @throws Error when its program or a folder is not there, or the sandbox is not started.
   */
  startToolServer(spec: ToolServerSpec, listen: ToolServerListener): ToolServerProcess;
  /** Leaves no process behind. */
  close(): Promise<void>;
}

/** A sandbox that is not started yet. */
export function createPromptRunner(options: SandboxOptions): Sandbox {
  return new Supervisor(options);
}
