export interface AdmitOptions {
  /** Identity for fairness: waiting work is taken round-robin by client. */
  client: string;
  /** Monotonic ms; whoever cannot start before it is refused, at once where measured times say so. */
  deadlineMs: number;
  signal: AbortSignal;
  /** Called before `admit` returns when there is no free slot; what it is given tells the place while the prompt waits. */
  onWait?: ((place: () => WaitPlace) => void) | undefined;
}

/** Where a prompt stands in the queue of an engine. */
export interface WaitPlace {
  /** 1: the next that starts; 0: it waits no longer. */
  position: number;
  /** Until it starts, from measured times; absent before anything was measured. */
  estimateMs?: number;
}

/**
 * How the call behind a slot ended: answered; refused or given up because the engine had too much to do; or in a way that says nothing
 * about its load.
 */
export type SlotOutcome = 'success' | 'dropped' | 'ignored';

/** A place at an engine. `release` is idempotent and must always be called. */
export interface Slot {
  /** The answer has begun: an adaptive limit goes by the time until then. Later calls change nothing. */
  began(): void;
  /** `ignored` unless said. */
  release(outcome?: SlotOutcome): void;
}

export interface QueueStatus {
  /** Slots there are now. */
  slots: number;
  busy: number;
  waiting: number;
  waitingMax: number;
  /** Only where the slots follow what the engine can take. */
  adaptive?: AdaptiveStatus;
}

export interface AdaptiveStatus {
  slotsMax: number;
  /** Long-term average of the time until an answer begins. */
  longRttMs: number;
  /** Calls that the limit has learned from, and calls that were dropped. */
  samples: number;
  dropped: number;
}

export interface Admission {
  /**
   * The slots that an engine says it has, taken as far as its limit goes; undefined: it says nothing, so the limit learns. Ignored where the
   * number is configured.
   */
  tellSlots(engine: string, slots: number | undefined): void;
  /**
   * Waits for a slot of the engine.
   * @throws AppError `queue_full` (with retryAfterMs; also for who would wait beyond the deadline), `deadline_exceeded`, `degraded` or `shutting_down`.
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
