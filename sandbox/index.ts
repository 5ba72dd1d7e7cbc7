import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLauncher } from './launch.js';
import type { Opinion, OpinionOptions } from './opinion-process.js';
import type { SandboxOptions } from './options.js';
import { Supervisor } from './prompt-runner.js';
import { type ReadOptions, readModel } from './read-model.js';
import type {
  EscapeOutcome,
  ModelReading,
  PromptRunner,
  ToolServerListener,
  ToolServerProcess,
  ToolServerSpec,
} from './types.js';

export type { Opinion, OpinionOptions } from './opinion-process.js';
export type { Incident, ModelPins, SandboxOptions } from './options.js';
export type { ToolServerEnding, ToolServerListener, ToolServerProcess, ToolServerSpec } from './types.js';

/** The sandbox of one server. */
export interface Sandbox extends PromptRunner {
  /** Brings the workers up. */
  start(): Promise<void>;
  /** Tries to escape from a worker as this host isolates it; undoes what succeeds. `files`: what must not be read. */
  probeEscape(files: { ledger: string; keys: string }, signal: AbortSignal): Promise<EscapeOutcome[]>;
  /** Loads a classifier of texts in a process of its own. Throws an Error that says what is wrong, with the files or what is installed. */
  openOpinion(options: OpinionOptions): Promise<Opinion>;
  /**
   * Starts a tool server: at level strict without network and with the listed folders only, at other levels with the listed variables and
   * limits only. @throws Error when its program or a folder is not there, or the sandbox is not started.
   */
  startToolServer(spec: ToolServerSpec, listen: ToolServerListener): ToolServerProcess;
  /** Has a process of its own hash a model file and read what it says of itself; follows no link. */
  readModel(file: string, options: ReadOptions): Promise<ModelReading>;
  /**
   * Gives the memory of the embedded model back, after the answers that wait for it; with `idleMs` only when it is loaded and nobody has
   * asked it for so long. Says whether it held any.
   */
  unloadModel(options?: { idleMs: number }): Promise<boolean>;
  /** Leaves no process behind. */
  close(): Promise<void>;
}

/** A sandbox that is not started yet. */
export function createPromptRunner(options: SandboxOptions): Sandbox {
  return new Supervisor(options);
}

/** Reads model files as a server does, where none runs. `close` when done. */
export async function openModelReader(options: {
  memoryBytes: number;
  cpuSeconds: number;
}): Promise<Pick<Sandbox, 'readModel' | 'close'>> {
  const cwd = mkdtempSync(join(tmpdir(), `arkalia-sandbox-${process.pid}-`));
  // Children may be another user; there is nothing in it.
  chmodSync(cwd, 0o755);
  const removeFolder = () => rmSync(cwd, { recursive: true, force: true });
  try {
    const { launcher, groups } = await findLauncher({ ...options, cwd });
    return {
      readModel: (file, how) => readModel(file, { launcher, cwd }, how),
      close: async () => {
        removeFolder();
        await groups.close();
      },
    };
  } catch (error) {
    removeFolder();
    throw error;
  }
}
