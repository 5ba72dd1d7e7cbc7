import type { SandboxOptions } from './options.js';
import { Supervisor } from './prompt-runner.js';
import type { PromptRunner } from './types.js';

export type { Incident, SandboxOptions } from './options.js';

/** The sandbox of one server: `start` brings the workers up, `close` leaves no process behind. */
export function createPromptRunner(
  options: SandboxOptions,
): PromptRunner & { start(): Promise<void>; close(): Promise<void> } {
  return new Supervisor(options);
}
