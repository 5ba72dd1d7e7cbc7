/**
 * The published error codes. A code is stable: it survives workers, processes and versions, and clients may rely on it.
 * The value is the HTTP status and the title that a caller reads.
 */
export const errorCodes = {
  invalid_json: [400, 'The body is not valid JSON'],
  invalid_request: [400, 'The request does not fit its schema'],
  unsupported_content: [400, 'A kind of content that this appliance does not process'],
  context_length_exceeded: [400, 'The prompt is longer than the model can read'],
  unauthorized: [401, 'A valid key is needed'],
  forbidden: [403, 'This key may not do that'],
  untrusted_signature: [403, 'No trusted key signed this'],
  setup_required: [403, 'The appliance is waiting for its setup code'],
  prompt_refused: [403, 'The guard refused the prompt'],
  not_found: [404, 'There is nothing at this address'],
  model_not_found: [404, 'No engine offers that model'],
  method_not_allowed: [405, 'This address does not take that method'],
  request_timeout: [408, 'The request did not arrive in time'],
  conflict: [409, 'The request contradicts what there is'],
  request_in_progress: [409, 'A request with this Idempotency-Key is still running'],
  outcome_unknown: [409, 'The request was interrupted, and whether it was done is not known'],
  pruned: [410, 'The ledger had this and has pruned it to stay within its size'],
  payload_too_large: [413, 'The body is larger than allowed'],
  unsupported_media_type: [415, 'Bodies are taken as application/json only'],
  idempotency_mismatch: [422, 'This Idempotency-Key came with another body before'],
  misdirected_request: [421, 'This appliance does not answer to that host name'],
  proof_invalid: [422, 'The proof does not hold'],
  headers_too_large: [431, 'The headers are larger than allowed'],
  rate_limited: [429, 'Too many requests from this client'],
  internal: [500, 'Something failed inside the appliance'],
  decision_integrity: [500, 'A decision does not agree with itself or with its record'],
  engine_failed: [502, 'The engine failed while answering'],
  sandbox_failed: [502, 'The sandbox stopped the prompt'],
  engine_unavailable: [503, 'No engine can answer now'],
  queue_full: [503, 'The queue of the engine is full'],
  cognitive_overload: [503, 'More decisions are asked for than can be scored'],
  system_reboot_required: [503, 'Only a restart of the appliance can help'],
  degraded: [503, 'The appliance has shed this service to stay up'],
  ledger_unavailable: [503, 'The ledger cannot record now'],
  shutting_down: [503, 'The appliance is shutting down'],
  deadline_exceeded: [504, 'The deadline of the request passed'],
  loop_detected: [508, 'The engine address leads back to this appliance'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof errorCodes;

export interface AppErrorOptions {
  /** When to come back, in milliseconds; becomes Retry-After. */
  retryAfterMs?: number;
  /** Facts a caller may read, added to the problem document. */
  details?: Record<string, unknown>;
  /** What the log keeps and the caller does not see. */
  cause?: unknown;
}

/** An error with a published code. `message` is what the caller may read; `cause` is for the log only. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.status = errorCodes[code][0];
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

/** More decisions wait than the hot core can score: come back after `retryAfterMs`. */
export class CognitiveOverloadError extends AppError {
  constructor(message: string, options: AppErrorOptions & { retryAfterMs: number }) {
    super('cognitive_overload', message, options);
    this.name = 'CognitiveOverloadError';
  }
}

/** A decision breaks its own invariants, or its record is not what was decided. It must not be acted on. */
export class DecisionIntegrityError extends AppError {
  constructor(message: string, options: AppErrorOptions = {}) {
    super('decision_integrity', message, options);
    this.name = 'DecisionIntegrityError';
  }
}

/** Something is broken that this process cannot mend: only a restart can help. */
export class SystemRebootRequired extends AppError {
  constructor(message: string, options: AppErrorOptions = {}) {
    super('system_reboot_required', message, options);
    this.name = 'SystemRebootRequired';
  }
}
