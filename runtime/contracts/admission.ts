export interface AdmitOptions {
  /** Identity for fairness: waiting work is taken round-robin by client. */
  client: string;
  /** Monotonic ms; whoever cannot start before it is refused. */
  deadlineMs: number;
  signal: AbortSignal;
}

/** A place at an engine. `release` is idempotent and must always be called. */
export interface Slot {
  release(): void;
}

export interface QueueStatus {
  slots: number;
  busy: number;
  waiting: number;
  waitingMax: number;
}

export interface Admission {
  /**
   * Waits for a slot of the engine.
   * @throws AppError `queue_full` (with retryAfterMs), `deadline_exceeded`, `degraded` or `shutting_down`.
   */
  admit(engine: string, options: AdmitOptions): Promise<Slot>;
  status(): Record<string, QueueStatus>;
}

export type RateVerdict = { ok: true } | { ok: false; retryAfterMs: number };

export interface RateLimiter {
  /** Takes one token from the client's bucket at a monotonic time; a refusal is a value. O(1), bounded memory. */
  take(client: string, nowMs: number): RateVerdict;
}

/** What a rate limiter did since the start. */
export interface RateStatus {
  refused: number;
  /** Clients that made room for another while their bucket was full, and while it was not. */
  evicted: number;
  evicted_in_debt: number;
}
