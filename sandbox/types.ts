/** Words shared by the supervisor, the protocol and the worker. This room imports nothing of ours. */

/** A tool that the model wants called. */
export interface ToolCall {
  /** As the engine said; empty when it said none. */
  id: string;
  name: string;
  /** JSON text of an object. */
  arguments: string;
}

export interface PromptMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  /** Of an assistant: what it asked for. */
  toolCalls?: ToolCall[];
  /** Of a tool: the call that it answers, as far as the client said. */
  answers?: { id?: string; name?: string };
}

/** A tool that the model may ask for; the client runs it. */
export interface PromptTool {
  name: string;
  description?: string;
  /** JSON Schema of its arguments. */
  parameters?: Record<string, unknown>;
}

export interface PromptSampling {
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  stop?: string[];
}

/** Facts and passages that navigator composes its answer from; found outside, only worded in the sandbox. */
export interface NavigatorBrief {
  lang: 'en' | 'fr';
  /** Answers to what was asked: each a topic with its live figures. Empty: nothing was recognised. */
  topics: NavigatorTopic[];
  passages: { source: string; title: string; text: string }[];
  /** What to say about models: none is loaded, and how to add one. */
  modelLoaded: boolean;
}

export interface NavigatorTopic {
  /** Which composer words it. */
  id: string;
  /** Figures, flat; a missing one is absent. */
  facts: Record<string, string | number | boolean>;
  /** Where the figures come from, such as `GET /status` or `ledger event 42`. */
  source: string;
}

/** What a model is to answer, and how. */
export interface Prompt {
  messages: PromptMessage[];
  sampling: PromptSampling;
  tools?: PromptTool[];
  /** Only with tools: whether one must be called, or which; absent: as the model likes. */
  toolChoice?: 'required' | { name: string };
  /** The answer is JSON: of any shape, or of a JSON Schema. */
  format?: 'json' | { schema: Record<string, unknown> };
}

/** A prompt for one engine, complete. `model` is as the engine names it. */
export type ChatJob = Prompt & { model: string } & (
    | { engine: 'ollama' | 'openai' | 'embedded' }
    | { engine: 'navigator'; brief: NavigatorBrief }
  );

/** Texts whose vectors are wanted, at most `embedInputsMax`. */
export interface EmbedJob {
  engine: EngineKind;
  model: string;
  embed: string[];
}

export type PromptJob = ChatJob | EmbedJob;

export const embedInputsMax = 512;
/** Most figures in a vector. */
export const vectorLengthMax = 16_384;

export interface PromptUsage {
  prompt_tokens: number;
  completion_tokens: number;
}

export const finishReasons = ['stop', 'length', 'tool_calls'] as const;
export type FinishReason = (typeof finishReasons)[number];

/**
 * What a running prompt says. `done` is always last; a failure is a thrown SandboxError. The first delta carries the model that the
 * engine says is speaking, if it says so by then. A tool call comes whole. Of an EmbedJob there is one vector for each text, in order.
 */
export type PromptEvent =
  | { type: 'delta'; text: string; model?: string }
  | { type: 'tool_call'; call: ToolCall; model?: string }
  | { type: 'vector'; vector: number[] }
  | {
      type: 'done';
      finishReason: FinishReason;
      model: string;
      usage?: PromptUsage;
      /** Earlier messages that were left out because the context does not hold them; absent when none were. */
      leftOut?: number;
    };

/** What a child may report as the reason of a failure; the supervisor words it. */
export const failureCodes = [
  'engine_unreachable',
  'engine_status',
  'engine_overloaded',
  'engine_garbage',
  'engine_stalled',
  'engine_died',
  'engine_rejected',
  'model_not_found',
  'context_length_exceeded',
  'loop_detected',
  'output_limit',
  'unsupported',
] as const;
export type FailureCode = (typeof failureCodes)[number];

/** Stable codes of what can go wrong with a prompt: what a child reports, and what the supervisor sees itself. */
export type SandboxErrorCode =
  | FailureCode
  | 'aborted'
  | 'deadline'
  | 'crashed'
  | 'out_of_memory'
  | 'protocol'
  | 'closed';

/**
 * Why a prompt failed. `message` holds no text that we did not write: upstream bodies count as prompt text and are
 * described by status, length and hash only.
 */
export class SandboxError extends Error {
  constructor(
    readonly code: SandboxErrorCode,
    message: string,
    readonly details: { status?: number; retryAfterMs?: number } = {},
  ) {
    super(message);
    this.name = 'SandboxError';
  }
}

export interface RunOptions {
  /** The prompt must be done after this many milliseconds; then its worker is killed and replaced. */
  timeoutMs: number;
  signal: AbortSignal;
  /** Whether it comes from someone whom this server does not know; with `sandbox.fresh` it gets a process of its own. */
  untrusted?: boolean;
}

export type EngineKind = 'ollama' | 'openai' | 'embedded' | 'navigator';

/** Levels of isolation, strongest first. `seatbelt` is macOS's, `strict` Linux's. */
export const sandboxLevels = ['strict', 'seatbelt', 'process'] as const;
export type SandboxLevel = (typeof sandboxLevels)[number];

/** What the escape probe tries from inside a worker. */
export const escapeAttempts = [
  'read_shadow',
  'read_ledger',
  'read_keys',
  'environment',
  'tcp',
  'udp',
  'unix_socket',
  'model_server',
  'write_outside',
  'fork',
  'allocate',
  'ptrace',
  'mount',
  'namespaces',
] as const;

/** How one attempt to escape ended: `stopped` by the level, `open` when it succeeded (and was undone), or `not_tried`. */
export interface EscapeOutcome {
  attempt: (typeof escapeAttempts)[number];
  outcome: 'stopped' | 'open' | 'not_tried';
  /** In a word or a few: the error that it met, what it could do, why it was not tried. */
  how: string;
}

export interface SandboxStatus {
  /** What the workers are isolated by; a level that the host lacks is never claimed. */
  level: SandboxLevel;
  /** Why the level is not stronger, in words; absent at the strongest one. */
  short?: string;
  workers: { idle: number; busy: number; starting: number };
  /** Counters since start. */
  spawned: number;
  killed: { deadline: number; out_of_memory: number; crashed: number; protocol: number; aborted: number };
  recycled: number;
  /** What holds at this level on this host, in words, such as `environment: empty`. */
  holds: string[];
  /** What it does not hold, in words, such as `network: reachable`. */
  lacks: string[];
}

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
  /** Tokens of its context, where it says so. */
  contextTokens?: number;
  /** Prompts that it says it works on at once; absent where it does not say. */
  slots?: number;
  /** Whether the model is in memory now; absent where that is not known. */
  loaded?: boolean;
  /** Why it is absent, and what to do. */
  problem?: string;
}

/** Code that a model asked for, and what it may do. Every limit is kept inside the process; what the process takes is limited from outside. */
export interface ScriptJob {
  /** JavaScript: an expression, or the body of an async function. */
  code: string;
  /** Functions that give a value at once, and that value as JSON. */
  facts: Record<string, string>;
  /** Functions that ask the supervisor and give a promise. */
  functions: string[];
  /** Whether there is a Date. */
  date: boolean;
  /** Units of work; one is about 10,000 calls and turns of loops. */
  fuel: number;
  memoryBytes: number;
  /** Most calls of `functions`, and longest text that comes out, in UTF-16 code units. */
  callsMax: number;
  outputCharsMax: number;
}

/**
 * Why a script gave nothing: it does not parse, it threw, one of its limits, it waits for something that never comes; or, seen from
 * outside, its process was too slow, was too large, broke the protocol or died.
 */
export const scriptFaults = [
  'syntax',
  'threw',
  'fuel',
  'memory',
  'calls',
  'stalled',
  'deadline',
  'aborted',
  'busy',
  'protocol',
  'crashed',
] as const;
export type ScriptFault = (typeof scriptFaults)[number];

/** How a script ended. `value`: a text as it is, anything else as JSON. `log`: what it printed. Both are cut at the limit. */
export type ScriptOutcome =
  | { value: string; log: string }
  | { fault: ScriptFault; message: string; log: string };

export interface ScriptOptions {
  timeoutMs: number;
  signal: AbortSignal;
  /** Answers a call of one of `functions`: arguments and result are JSON. What it throws is told to the script by its message. */
  call(name: string, args: string, signal: AbortSignal): Promise<string>;
}

/** A program of someone else's that offers tools, and all that it is given. */
export interface ToolServerSpec {
  /** A path, or a name that is looked for where programs are installed. */
  command: string;
  args: readonly string[];
  /** Absolute; seen under the same path. */
  folders: readonly { path: string; write: boolean }[];
  env: Readonly<Record<string, string>>;
  /** Socket of a proxy, at level strict its only way to other hosts. */
  proxy?: string;
  memoryBytes: number;
  /** Longest line that it may say; four times that before somebody asks again. */
  lineBytesMax: number;
}

/** Why a tool server is gone. */
export type ToolServerEnding =
  | 'left'
  | 'not_started'
  | 'said_too_much'
  | 'out_of_memory'
  | 'garbage'
  | 'deadline'
  | 'stopped';

export type ToolServerListener = (line: string) => void;

export interface ToolServerProcess {
  readonly exited: Promise<ToolServerEnding>;
  send(line: string): void;
  /** SIGKILL. The first reason counts. */
  kill(why: ToolServerEnding): void;
}

/** What a GGUF file says of itself; the words in it are its maker's, made fit to show. */
export interface ModelFacts {
  architecture?: string;
  name?: string;
  licence?: string;
  /** Elements of all tensors. */
  parameters: number;
  /** As llama.cpp calls it, such as `Q4_K_M`. */
  quantisation: string;
  /** The longest context that it was trained for. */
  context_tokens?: number;
  /** Whether it brings a chat template of its own. */
  chat_template: boolean;
  /** Memory that each token of context takes with the usual cache of 16-bit numbers; absent where the file does not say enough. */
  cache_bytes_per_token?: number;
}

/** What reading a model file in the sandbox found. */
export interface ModelReading {
  /** Of the whole file, lower-case hex. */
  sha256: string;
  bytes: number;
  /** What it says of itself, or what is wrong with it. */
  read: { facts: ModelFacts } | { fault: string };
}

/** Runs prompts in isolated workers and knows the engines behind them. */
export interface PromptRunner {
  /**
   * Runs one prompt in a worker of its own. Yields deltas, then `done`; throws SandboxError otherwise. Ending the iteration
   * early stops the engine and frees the worker.
   */
  run(job: PromptJob, options: RunOptions): AsyncIterable<PromptEvent>;
  /** Runs code in an interpreter (QuickJS in WebAssembly) in an isolated process of its own, which ends with it. Rejects only when the sandbox is closed. */
  runScript(job: ScriptJob, options: ScriptOptions): Promise<ScriptOutcome>;
  engines(): EngineView[];
  /** Asks the engines again; at most one inquiry at a time runs, others share it. */
  refreshEngines(): Promise<EngineView[]>;
  status(): SandboxStatus;
}
