import type { WaitPlace } from '../../runtime/contracts/admission.js';
import type { GuardReason } from '../../runtime/contracts/guard.js';
import type { IdempotentRequest } from '../../runtime/contracts/idempotency.js';
import type { CheckpointedReceipt, Receipt } from '../../runtime/contracts/ledger.js';
import type { FinishReason, Prompt, PromptUsage, ToolCall } from '../../runtime/contracts/sandbox.js';
import type { ChainRequest } from './chain.js';
import type { Part } from './guard/parts.js';
import type { Toolbox } from './toolbox/toolbox.js';

/** What every request to an engine has. */
export interface EngineRequest extends ChainRequest {
  /** Identity for rate limit and fairness. */
  client: string;
  /** Models that the caller may use; absent: all. */
  models?: readonly string[] | undefined;
  session?: string;
  /** Where the same request may come again. */
  idempotency?: IdempotentRequest;
  /** Whether the client can be told of its place in a queue: only where a stream can hold what is no part of the answer. */
  tellsPlace?: boolean;
  requestId: string;
  signal: AbortSignal;
  /** Path of the route that it came through; its setting of the guard applies. */
  route: string;
}

export interface Question extends EngineRequest, Prompt {
  /** What is judged, where that is not each message as a whole. */
  parts?: Part[];
  /** Tools that the appliance runs itself; then the client has none of its own. */
  toolbox?: Toolbox;
  /** Text that the answer must not repeat. */
  systemPrompt?: string;
  /** A word of it that stands nowhere else. */
  canary?: string | undefined;
  /** What the end of the answer waits for beyond the disk, and how long; unset: nothing. */
  record?: { level: 'durable' | 'checkpointed'; waitMs?: number | undefined };
}

export interface EmbedQuestion extends EngineRequest {
  texts: string[];
}

export interface Answer {
  /** Of the request that made it, and when that came, in wall time. */
  id: string;
  askedMs: number;
  session?: string;
  /** It was given before, to a request with the same Idempotency-Key. */
  replayed?: boolean;
  /** The engine and the model that spoke. */
  engine: string;
  model: string;
  finishReason: FinishReason | 'content_filter';
  usage?: PromptUsage;
  /** Earlier messages that the model's context does not hold, and that it was not sent. */
  leftOut?: number;
  /** From the request until the end, and until the first text. */
  tookMs: number;
  firstMs?: number;
  /** Why the guard cut the answer. */
  reasons: GuardReason[];
  receipt: Receipt | CheckpointedReceipt;
}

/**
 * `of` comes first and names the request that made the answer; `waiting` comes now and then before the answer where the question allows it;
 * `begin` names the model that is about to speak, once, before its first
 * text or tool call.
 */
export type AnswerEvent =
  | { type: 'of'; id: string; askedMs: number }
  | { type: 'waiting'; place: WaitPlace }
  | { type: 'begin'; engine: string; model: string }
  | { type: 'delta'; text: string }
  | { type: 'tool_call'; call: ToolCall }
  /** A tool of the appliance's own was run. */
  | { type: 'tool'; name: string; outcome: string; tookMs: number }
  | { type: 'done'; answer: Answer };

export interface Embeddings {
  replayed?: boolean;
  engine: string;
  model: string;
  vectors: number[][];
  usage?: PromptUsage;
  tookMs: number;
  receipt: Receipt;
}
