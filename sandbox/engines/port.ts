import type { FailureFacts, ModelRequest, Piece } from '../protocol.js';
import type { ChatJob, EmbedJob, FailureCode, FinishReason, PromptEvent, PromptUsage } from '../types.js';

/** What an engine answered to a request, as the supervisor hands it on. */
export interface EngineResponse {
  status: number;
  retryAfterMs?: number;
  /** Pieces of the body; throws EngineFailure when it breaks off. */
  chunks: AsyncIterable<string>;
}

type ModelPiece = Piece | { type: 'end'; finishReason: FinishReason; usage?: PromptUsage };

/** All that an adapter can reach. */
export interface EnginePort {
  /** Posts a body to a path of the job's engine. */
  open(path: string, body: object): Promise<EngineResponse>;
  /** Lets the embedded model work. */
  askModel(request: ModelRequest): AsyncIterable<ModelPiece>;
}

/** Speaks one engine's language. Ends with `done`, or throws EngineFailure. */
export interface Adapter {
  chat(job: ChatJob, port: EnginePort): AsyncIterable<PromptEvent>;
  /** Absent where an engine has no vectors. */
  embed?(job: EmbedJob, port: EnginePort): AsyncIterable<PromptEvent>;
}

/** A failure that the adapter recognised. Carries facts only, never the engine's words. */
export class EngineFailure extends Error {
  constructor(
    readonly code: FailureCode,
    readonly facts: FailureFacts = {},
  ) {
    super(code);
    this.name = 'EngineFailure';
  }
}
