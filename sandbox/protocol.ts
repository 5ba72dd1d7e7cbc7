import { isCount, isOneOf, isOptional, isRealNumber, isRecord, isText } from './check.js';
import { isFacts } from './gguf-facts.js';
import {
  embedInputsMax,
  type FailureCode,
  type FinishReason,
  failureCodes,
  finishReasons,
  type ModelReading,
  type NavigatorBrief,
  type NavigatorTopic,
  type Prompt,
  type PromptJob,
  type PromptMessage,
  type PromptSampling,
  type PromptTool,
  type PromptUsage,
  type ScriptFault,
  type ScriptJob,
  scriptFaults,
  type ToolCall,
  vectorLengthMax,
} from './types.js';

/**
 * What the supervisor and its children say to each other, as JSON frames over pipes.
 *
 *     supervisor -> worker : job, then response | data | tool_call | vector | end | broke | generated for what it opened; stop
 *     worker -> supervisor : ready; open | generate | embed | PIECE, then exactly one of done | failed | stopped for each job
 *     supervisor -> model  : load, then generate | embed, stop, each with the lane that it belongs to
 *     model -> supervisor  : ready, then loaded | unloadable; PIECE, then exactly one of done | failed | stopped for each request, in its lane
 *     supervisor -> opinion: load_opinion, then one judge at a time
 *     opinion -> supervisor: ready, then loaded | no_opinion; judged for each text
 *     supervisor -> script : script, then one returned for each call
 *     script -> supervisor : ready; call, then exactly one ended
 *     supervisor -> reader : examine
 *     reader -> supervisor : ready, then progress now and then, and one examined
 *     either way           : ping, and pong at once, so that a process that is stuck is known from one that works
 *
 * A PIECE is a delta, a tool_call or a vector. A lane is a number that the supervisor chose; it is free again after the last word in it.
 *
 * A pipe keeps its order, so what was sent to a prompt that has ended is always read before the next job and is dropped.
 */

/** Why a model could not be loaded: what the file says of itself, the package, its native part, the file, or the memory for its context. */
const loadFaults = ['file', 'package', 'binary', 'model', 'context'] as const;
export type LoadFault = (typeof loadFaults)[number];
/** Why a second opinion could not be loaded: its two packages, its two files, or what the model takes and gives. */
const opinionFaults = ['runtime', 'tokenizers', 'tokenizer', 'model', 'shape'] as const;
export type OpinionFault = (typeof opinionFaults)[number];

/** Facts about a failure that hold no text of anyone's. */
export interface FailureFacts {
  status?: number;
  retryAfterMs?: number;
  /** Length of the engine's words about it, and the first 16 hex digits of their SHA-256. */
  bytes?: number;
  sha256?: string;
}

export type ToChild =
  | { type: 'job'; job: PromptJob }
  | { type: 'response'; status: number; retryAfterMs?: number }
  | { type: 'data'; text: string }
  | { type: 'end' }
  | { type: 'broke'; code: FailureCode }
  | { type: 'tool_call'; call: ToolCall }
  | { type: 'vector'; vector: number[] }
  | { type: 'generated'; finishReason: FinishReason; usage?: PromptUsage }
  | { type: 'stop'; lane?: number }
  | { type: 'ping' }
  /** The file is open on descriptor `modelDescriptor`. */
  | { type: 'examine' }
  | ({ type: 'load_opinion' } & OpinionLoad)
  | { type: 'judge'; text: string }
  | { type: 'script'; job: ScriptJob }
  | { type: 'returned'; id: number; json?: string; error?: string }
  | ({ type: 'load' } & LoadRequest)
  | (ModelRequest & { lane: number; kept?: number[] });

/** Which model is loaded, and how. */
export interface LoadRequest {
  modelFile: string;
  threads: number;
  /** Of each sequence. */
  contextTokens: number;
  /** Answers that are generated at once. */
  sequences: number;
  llamaPackage: string;
}

/** What a second opinion is loaded with. */
export interface OpinionLoad {
  modelFile: string;
  tokenizerFile: string;
  threads: number;
  /** Most tokens of a text that are read. */
  tokensMax: number;
  /** Which figure that the model gives is that of attacks. */
  attackIndex: number;
  runtimePackage: string;
  tokenizersPackage: string;
}

/** What a worker asks of the embedded model. */
export type ModelRequest = ({ type: 'generate' } & Prompt) | { type: 'embed'; texts: string[] };

/** A part of an answer. */
export type Piece =
  | { type: 'delta'; text: string; model?: string }
  | { type: 'tool_call'; call: ToolCall; model?: string }
  | { type: 'vector'; vector: number[] };

/** What a model says to a request; a delta carries the ids of its tokens where the answer could be continued behind them. */
export type ModelWord = (
  | (Piece & { tokens?: number[] })
  /** `leftOut`: of a model, the earlier messages that its context does not hold. */
  | { type: 'done'; finishReason: FinishReason; model: string; usage?: PromptUsage; leftOut?: number }
  | ({ type: 'failed'; code: FailureCode } & FailureFacts)
  | { type: 'stopped' }
) & { lane?: number };

export type FromChild =
  | { type: 'ready' }
  /** To a ping, at any time. */
  | { type: 'pong' }
  | { type: 'loaded'; contextTokens: number }
  | { type: 'unloadable'; fault: LoadFault }
  | { type: 'no_opinion'; fault: OpinionFault }
  | { type: 'judged'; probability: number }
  /** So many bytes of the file are hashed. */
  | { type: 'progress'; bytes: number }
  | ({ type: 'examined' } & ModelReading)
  | { type: 'open'; method: 'POST'; path: string; body: string }
  | ModelRequest
  | ModelWord
  | { type: 'call'; id: number; name: string; args: string }
  | { type: 'ended'; value: string; log: string }
  | { type: 'ended'; fault: ScriptFault; message: string; log: string };

/** Where the process that reads a model file finds it open: behind the filter (4) and bubblewrap's words (5). */
export const modelDescriptor = 6;

/** Longest frame that is not sized by a prompt. */
export const frameBytesBase = 1_048_576;
/** Longest job. The largest body that the API can be configured to take is 64 MiB. */
export const jobBytesMax = 69_206_016;

/** Most token ids in a frame: the longest context that can be configured. */
const tokensMax = 131_072;

const roles = ['system', 'user', 'assistant', 'tool'] as const;
const engineKinds = ['ollama', 'openai', 'embedded', 'navigator'] as const;

function isMessages(value: unknown): value is PromptMessage[] {
  return (
    Array.isArray(value) &&
    value.every(
      (one) =>
        isRecord(one) &&
        isOneOf(one.role, roles) &&
        isText(one.content) &&
        isOptional(one.toolCalls, isCalls) &&
        isOptional(one.answers, isAnswered),
    )
  );
}

function isCall(value: unknown): value is ToolCall {
  return isRecord(value) && isText(value.id) && isName(value.name) && isText(value.arguments);
}

const isCalls = (value: unknown): value is ToolCall[] => Array.isArray(value) && value.every(isCall);

const isAnswered = (value: unknown): value is { id?: string; name?: string } =>
  isRecord(value) && isOptional(value.id, isName) && isOptional(value.name, isName);

const isAnyText = (value: unknown): value is string => isText(value);
const isName = (value: unknown): value is string => isText(value, 1024);

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => isText(one));

function isSampling(value: unknown): value is PromptSampling {
  return (
    isRecord(value) &&
    isOptional(value.maxTokens, isCount) &&
    isOptional(value.temperature, isRealNumber) &&
    isOptional(value.topP, isRealNumber) &&
    isOptional(value.topK, isCount) &&
    isOptional(value.seed, isRealNumber) &&
    isOptional(value.stop, isTexts)
  );
}

const isTools = (value: unknown): value is PromptTool[] =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isRecord(one) &&
      isName(one.name) &&
      isOptional(one.description, isAnyText) &&
      isOptional(one.parameters, isRecord),
  );

function isPrompt(value: Record<string, unknown>): boolean {
  return (
    isMessages(value.messages) &&
    isSampling(value.sampling) &&
    isOptional(value.tools, isTools) &&
    isOptional(value.toolChoice, isToolChoice) &&
    isOptional(value.format, isFormat)
  );
}

const isToolChoice = (value: unknown): value is Prompt['toolChoice'] =>
  value === 'required' || (isRecord(value) && isName(value.name));
const isFormat = (value: unknown): value is Prompt['format'] =>
  value === 'json' || (isRecord(value) && isRecord(value.schema));
const isEmbed = (value: unknown): value is string[] =>
  isTexts(value) && value.length > 0 && value.length <= embedInputsMax;
const isVector = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length <= vectorLengthMax &&
  value.every((figure) => isRealNumber(figure));

function isTopic(value: unknown): value is NavigatorTopic {
  return (
    isRecord(value) &&
    isText(value.id) &&
    isText(value.source) &&
    isRecord(value.facts) &&
    Object.values(value.facts).every((fact) => ['string', 'number', 'boolean'].includes(typeof fact))
  );
}

function isBrief(value: unknown): value is NavigatorBrief {
  return (
    isRecord(value) &&
    isOneOf(value.lang, ['en', 'fr']) &&
    Array.isArray(value.topics) &&
    value.topics.every(isTopic) &&
    Array.isArray(value.passages) &&
    value.passages.every(
      (one) => isRecord(one) && isText(one.source) && isText(one.title) && isText(one.text),
    ) &&
    typeof value.modelLoaded === 'boolean'
  );
}

function isJob(value: unknown): value is PromptJob {
  if (!isRecord(value) || !isOneOf(value.engine, engineKinds)) return false;
  if (!isText(value.model)) return false;
  if (value.embed !== undefined) return isEmbed(value.embed);
  return isPrompt(value) && (value.engine !== 'navigator' || isBrief(value.brief));
}

function isScript(value: unknown): value is ScriptJob {
  return (
    isRecord(value) &&
    isText(value.code) &&
    isRecord(value.facts) &&
    isTexts(Object.values(value.facts)) &&
    isTexts(value.functions) &&
    typeof value.date === 'boolean' &&
    [value.fuel, value.memoryBytes, value.callsMax, value.outputCharsMax].every(isCount)
  );
}

function isUsage(value: unknown): value is PromptUsage {
  return isRecord(value) && isCount(value.prompt_tokens) && isCount(value.completion_tokens);
}

const isStatus = (value: unknown): value is number => isCount(value) && value >= 100 && value <= 599;
const isHashPrefix = (value: unknown): value is string =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);

const isTokens = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= tokensMax && value.every((id) => isCount(id));
const isInLane = (m: Record<string, unknown>): boolean => isOptional(m.lane, isCount);

const toChild: Record<ToChild['type'], (m: Record<string, unknown>) => boolean> = {
  job: (m) => isJob(m.job),
  response: (m) => isStatus(m.status) && isOptional(m.retryAfterMs, isCount),
  data: (m) => isText(m.text),
  end: () => true,
  broke: (m) => isOneOf(m.code, failureCodes),
  tool_call: (m) => isCall(m.call),
  vector: (m) => isVector(m.vector),
  generated: (m) => isOneOf(m.finishReason, finishReasons) && isOptional(m.usage, isUsage),
  stop: (m) => isOptional(m.lane, isCount),
  ping: () => true,
  examine: () => true,
  load: (m) =>
    isText(m.modelFile) &&
    isCount(m.threads) &&
    isCount(m.contextTokens) &&
    isCount(m.sequences) &&
    isText(m.llamaPackage),
  load_opinion: (m) =>
    isText(m.modelFile) &&
    isText(m.tokenizerFile) &&
    isCount(m.threads) &&
    isCount(m.tokensMax) &&
    isCount(m.attackIndex) &&
    isText(m.runtimePackage) &&
    isText(m.tokenizersPackage),
  judge: (m) => isText(m.text),
  generate: (m) => isPrompt(m) && isCount(m.lane) && isOptional(m.kept, isTokens),
  embed: (m) => isEmbed(m.texts) && isCount(m.lane),
  script: (m) => isScript(m.job),
  returned: (m) => isCount(m.id) && isOptional(m.json, isAnyText) && isOptional(m.error, isAnyText),
};

const fromChild: Record<FromChild['type'], (m: Record<string, unknown>) => boolean> = {
  ready: () => true,
  pong: () => true,
  loaded: (m) => isCount(m.contextTokens),
  unloadable: (m) => isOneOf(m.fault, loadFaults),
  no_opinion: (m) => isOneOf(m.fault, opinionFaults),
  judged: (m) => isRealNumber(m.probability) && m.probability >= 0 && m.probability <= 1,
  progress: (m) => isCount(m.bytes),
  examined: (m) =>
    typeof m.sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(m.sha256) &&
    isCount(m.bytes) &&
    isRecord(m.read) &&
    (isFacts(m.read.facts) || isText(m.read.fault, 200)),
  open: (m) => m.method === 'POST' && isText(m.path, 1024) && isText(m.body),
  generate: (m) => isPrompt(m),
  embed: (m) => isEmbed(m.texts),
  delta: (m) =>
    isText(m.text) && isOptional(m.model, isName) && isOptional(m.tokens, isTokens) && isInLane(m),
  tool_call: (m) => isCall(m.call) && isOptional(m.model, isName) && isInLane(m),
  vector: (m) => isVector(m.vector) && isInLane(m),
  done: (m) =>
    isOneOf(m.finishReason, finishReasons) &&
    isName(m.model) &&
    isOptional(m.usage, isUsage) &&
    isOptional(m.leftOut, isCount) &&
    isInLane(m),
  failed: (m) =>
    isOneOf(m.code, failureCodes) &&
    isOptional(m.status, isStatus) &&
    isOptional(m.retryAfterMs, isCount) &&
    isOptional(m.bytes, isCount) &&
    isOptional(m.sha256, isHashPrefix) &&
    isInLane(m),
  stopped: (m) => isInLane(m),
  call: (m) => isCount(m.id) && isName(m.name) && isText(m.args),
  ended: (m) =>
    isText(m.log) &&
    (m.fault === undefined ? isText(m.value) : isOneOf(m.fault, scriptFaults) && isText(m.message)),
};

function check<T>(table: Record<string, (m: Record<string, unknown>) => boolean>, value: unknown): T | null {
  if (!isRecord(value) || typeof value.type !== 'string' || !Object.hasOwn(table, value.type)) return null;
  return table[value.type]?.(value) ? (value as T) : null;
}

/** The message, or null when the value is none. */
export const readToChild = (value: unknown): ToChild | null => check<ToChild>(toChild, value);
/** The message, or null when the value is none. */
export const readFromChild = (value: unknown): FromChild | null => check<FromChild>(fromChild, value);
