import type { EngineKind, PromptEvent, PromptJob, RunOptions, SandboxStatus } from '../../sandbox/types.js';

export type {
  EngineKind,
  NavigatorBrief,
  NavigatorTopic,
  PromptEvent,
  PromptJob,
  PromptMessage,
  PromptSampling,
  SandboxErrorCode,
  SandboxStatus,
} from '../../sandbox/types.js';
export { SandboxError } from '../../sandbox/types.js';

/** An engine that this appliance may use, and how it was last seen. */
export interface EngineView {
  name: EngineKind;
  /** `found`: its own API answered or its model loads; `absent`: nothing there; `off`: not in engines.order. */
  state: 'found' | 'absent' | 'off';
  /** Where it is, for servers and files. */
  where?: string;
  /** Model ids as the engine names them. */
  models: string[];
  /** The model used when none is asked for. */
  defaultModel?: string;
  /** Why it is absent, and what to do. */
  problem?: string;
}

/** Runs prompts in isolated workers and knows the engines behind them. */
export interface PromptRunner {
  /**
   * Runs one prompt in a worker of its own. Yields deltas, then `done`; throws SandboxError otherwise. Ending the iteration
   * early stops the engine and frees the worker.
   */
  run(job: PromptJob, options: RunOptions): AsyncIterable<PromptEvent>;
  engines(): EngineView[];
  /** Asks the engines again; at most one inquiry at a time runs, others share it. */
  refreshEngines(): Promise<EngineView[]>;
  status(): SandboxStatus;
}
