import type { SlotOutcome } from '../../runtime/contracts/admission.js';
import type { BreakerOutcome } from '../../runtime/contracts/breaker.js';
import { AppError, type ErrorCode } from '../../runtime/contracts/errors.js';
import { SandboxError, type SandboxErrorCode } from '../../runtime/contracts/sandbox.js';

interface Treatment {
  /** What the caller is told when no other engine answers. */
  code: ErrorCode;
  /** What it says about the engine: a caller's own mistake and our own limits say nothing. */
  outcome: BreakerOutcome;
  /** Whether the next engine of the chain may be tried, as long as nothing was sent to the client. */
  next: boolean;
}

const treatments: Record<SandboxErrorCode, Treatment> = {
  aborted: { code: 'shutting_down', outcome: 'ignored', next: false },
  closed: { code: 'shutting_down', outcome: 'ignored', next: false },
  deadline: { code: 'deadline_exceeded', outcome: 'failure', next: false },
  crashed: { code: 'sandbox_failed', outcome: 'ignored', next: true },
  out_of_memory: { code: 'sandbox_failed', outcome: 'ignored', next: true },
  protocol: { code: 'sandbox_failed', outcome: 'ignored', next: true },
  output_limit: { code: 'sandbox_failed', outcome: 'ignored', next: false },
  engine_unreachable: { code: 'engine_unavailable', outcome: 'failure', next: true },
  engine_status: { code: 'engine_failed', outcome: 'failure', next: true },
  engine_overloaded: { code: 'engine_unavailable', outcome: 'ignored', next: true },
  engine_garbage: { code: 'engine_failed', outcome: 'failure', next: true },
  engine_stalled: { code: 'engine_failed', outcome: 'failure', next: true },
  engine_died: { code: 'engine_failed', outcome: 'failure', next: true },
  engine_rejected: { code: 'engine_failed', outcome: 'ignored', next: true },
  model_not_found: { code: 'model_not_found', outcome: 'ignored', next: true },
  context_length_exceeded: { code: 'context_length_exceeded', outcome: 'ignored', next: true },
  loop_detected: { code: 'loop_detected', outcome: 'ignored', next: true },
  unsupported: { code: 'unsupported_content', outcome: 'ignored', next: true },
};

export interface Failure extends Omit<Treatment, 'code'> {
  error: AppError;
  /** Stable word for the ledger. */
  cause: string;
}

/** Causes that say that the engine had too much to do. */
const overload = new Set(['deadline', 'engine_overloaded', 'engine_stalled']);

/** What a failure tells the limit of the engine's slots. */
export function slotOutcome({ cause }: Failure): SlotOutcome {
  return overload.has(cause) ? 'dropped' : 'ignored';
}

/** What an error of a running prompt means: for the caller, for the breaker, and for the rest of the chain. */
export function treat(thrown: unknown): Failure {
  if (thrown instanceof SandboxError) {
    const { code, outcome, next } = treatments[thrown.code];
    const { retryAfterMs } = thrown.details;
    return {
      error: new AppError(code, thrown.message, { retryAfterMs, cause: thrown }),
      outcome,
      next,
      cause: thrown.code,
    };
  }
  const error =
    thrown instanceof AppError
      ? thrown
      : new AppError('internal', 'Something failed inside the appliance.', { cause: thrown });
  return { error, outcome: 'ignored', next: false, cause: error.code };
}
