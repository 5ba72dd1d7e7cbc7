import type { EngineKind, EngineView, SandboxLevel } from './types.js';

/** Sections of the configuration that this room uses; the names are those of arkalia.toml. */
export interface RemoteEngineOptions {
  url?: string | undefined;
  model?: string | undefined;
  connect_timeout_ms: number;
  idle_timeout_ms: number;
}

export interface EmbeddedOptions {
  model_file?: string | undefined;
  threads: number;
  /** Of each sequence. */
  context_tokens: number;
  /** Answers that are generated at once. */
  sequences: number;
  memory_bytes: number;
  idle_timeout_ms: number;
  /** How long the model stays in memory when nobody asks it; 0: for ever. */
  keep_alive_ms: number;
}

export interface EnginesOptions {
  order: EngineKind[];
  probe: boolean;
  ollama: RemoteEngineOptions;
  openai: RemoteEngineOptions & { api_key_file?: string | undefined };
  embedded: EmbeddedOptions;
}

/** A child that had to be killed or died. */
export interface Incident {
  cause: 'deadline' | 'out_of_memory' | 'crashed' | 'protocol' | 'aborted' | 'stalled';
  child: 'worker' | 'model' | 'script' | 'opinion';
  /** The engine whose prompt it worked on; absent when it was idle. */
  engine?: EngineKind;
}

/** Begins to watch a process; undefined when it cannot be watched. */
export type WatchChild = (pid: number) => { beat(): void; end(): void } | undefined;

export interface SandboxOptions {
  sandbox: {
    /** The weakest level that will do; with less, `start` throws. */
    require: SandboxLevel;
    workers: number;
    memory_bytes: number;
    cpu_seconds: number;
    prompts_max: number;
    /** Which prompts get a process of their own, used for nothing before and nothing after. */
    fresh: 'never' | 'untrusted' | 'always';
    output_bytes_max: number;
  };
  engines: EnginesOptions;
  models_dir: string;
  /** What is known of the models in that folder; without it the only one there is used, whatever it is. */
  models?: ModelPins;
  /** Names this server in the Via header of everything it asks, so that an address that leads back is noticed. */
  viaToken: string;
  /** Milliseconds since an arbitrary start, never going back. */
  monotonicMs: () => number;
  /** Told how the engines were seen, after each inquiry. */
  onEngines?: (views: readonly EngineView[]) => void;
  /** Told of every child that was killed or died. */
  onIncident: (incident: Incident) => void;
  /** Told of every process, so that one which is stuck can be ended from outside. */
  watch?: WatchChild;
  /** For tests only: other programs and addresses than the real ones. */
  internal?: InternalOptions;
}

/** The choice among the models of the folder, and what each was when it was added. */
export interface ModelPins {
  /** Id of the model to use; undefined: the only one. */
  chosen(): string | undefined;
  /** Undefined for a file that was never added. */
  pin(file: string): { bytes: number; sha256: string } | undefined;
}

interface InternalOptions {
  /** The levels that may be chosen. */
  levels?: readonly SandboxLevel[];
  workerEntry?: URL;
  /** Whether a worker's wipe is taken to be whole, whatever this version of Node does. */
  wipesWhole?: boolean;
  modelHostEntry?: URL;
  opinionEntry?: URL;
  ollamaProbeUrl?: string;
  openaiProbeUrl?: string;
  /** Name of the package that runs GGUF files. */
  llamaPackage?: string;
  /** Names of the packages that run ONNX files and read tokenizer.json. */
  runtimePackage?: string;
  tokenizersPackage?: string;
}

/** The bounds that this room relies on; configuration checks them too, a caller of its own might not. */
export function checkOptions(options: SandboxOptions): void {
  const { workers, memory_bytes, cpu_seconds, prompts_max, output_bytes_max } = options.sandbox;
  within('sandbox.workers', workers, 1, 64);
  within('sandbox.memory_bytes', memory_bytes, 100_663_296, Number.MAX_SAFE_INTEGER);
  within('sandbox.cpu_seconds', cpu_seconds, 1, 1_000_000);
  within('sandbox.prompts_max', prompts_max, 1, Number.MAX_SAFE_INTEGER);
  within('sandbox.output_bytes_max', output_bytes_max, 1024, Number.MAX_SAFE_INTEGER);
  within('engines.embedded.sequences', options.engines.embedded.sequences, 1, 16);
  within('engines.embedded.keep_alive_ms', options.engines.embedded.keep_alive_ms, 0, 86_400_000);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(options.viaToken))
    throw new RangeError('viaToken must be 1 to 64 letters, digits, _ or -');
}

function within(name: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max)
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
}
