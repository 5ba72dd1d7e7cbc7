/** Second tries of prompts with an engine that has failed them, all of the appliance together: at most one in five prompts. */
export interface Retries {
  /** A prompt begins. */
  asked(): void;
  /** Whether one more second try is allowed; takes it then. */
  mayRetry(): boolean;
  counts(): RetryCounts;
}

export interface RetryCounts {
  /** Prompts since the start. */
  asked: number;
  /** Second tries that were made. */
  retried: number;
  /** Second tries that would have helped, and were not made because too many were. */
  refused: number;
}
