import type { FailureFacts } from '../protocol.js';
import type {
  FailureCode,
  PromptEvent,
  PromptJob,
  PromptMessage,
  PromptSampling,
  PromptUsage,
} from '../types.js';

/** What an engine answered to a request, as the supervisor hands it on. */
export interface EngineResponse {
  status: number;
  retryAfterMs?: number;
  /** Pieces of the body; throws EngineFailure when it breaks off. */
  chunks: AsyncIterable<string>;
}

type GeneratedPiece =
  | { type: 'delta'; text: string }
  | { type: 'end'; finishReason: 'stop' | 'length'; usage?: PromptUsage };

/** All that an adapter can reach. */
export interface EnginePort {
  /** Posts a body to a path of the job's engine. */
  open(path: string, body: object): Promise<EngineResponse>;
  /** Lets the embedded model generate. */
  generate(messages: PromptMessage[], sampling: PromptSampling): AsyncIterable<GeneratedPiece>;
}

/** Speaks one engine's language. Ends with `done`, or throws EngineFailure. */
export type Adapter = (job: PromptJob, port: EnginePort) => AsyncIterable<PromptEvent>;

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
