import { AppError, type ErrorCode } from '../contracts/errors.js';
import type { ErrorClass } from '../contracts/incident.js';
import { SandboxError, type SandboxErrorCode } from '../contracts/sandbox.js';

/** What each of our own errors is; those that are not listed are the caller's fault. */
const ofCode: Partial<Record<ErrorCode, ErrorClass>> = {
  request_timeout: 'transient',
  internal: 'permanent',
  decision_integrity: 'integrity',
  engine_failed: 'transient',
  sandbox_failed: 'transient',
  engine_unavailable: 'transient',
  rate_limited: 'overload',
  queue_full: 'overload',
  cognitive_overload: 'overload',
  degraded: 'overload',
  ledger_unavailable: 'transient',
  system_reboot_required: 'permanent',
  shutting_down: 'transient',
  deadline_exceeded: 'transient',
  loop_detected: 'permanent',
};

const ofSandbox: Partial<Record<SandboxErrorCode, ErrorClass>> = {
  engine_overloaded: 'overload',
  engine_rejected: 'caller',
  engine_garbage: 'integrity',
  model_not_found: 'caller',
  context_length_exceeded: 'caller',
  loop_detected: 'permanent',
  output_limit: 'caller',
  aborted: 'caller',
  out_of_memory: 'overload',
  protocol: 'integrity',
};

/** Codes of the system and of SQLite; the first that fits. */
const ofSystem: readonly [RegExp, ErrorClass][] = [
  [/^SQLITE_(CORRUPT|NOTADB|MISMATCH)/, 'integrity'],
  [
    /^(ENOSPC|EDQUOT|EMFILE|ENFILE|ENOMEM|ENOBUFS|SQLITE_FULL|SQLITE_NOMEM|ERR_WORKER_OUT_OF_MEMORY)$/,
    'overload',
  ],
  [
    /^(EROFS|EACCES|EPERM|ENOENT|ENOTDIR|EISDIR|ERR_MODULE_NOT_FOUND|SQLITE_(READONLY|CANTOPEN|PERM))/,
    'permanent',
  ],
  [
    /^(EAGAIN|EBUSY|EINTR|EIO|EPIPE|ETIMEDOUT|ECONN(REFUSED|RESET|ABORTED)|E(HOST|NET)UNREACH|ENETDOWN|EAI_AGAIN|UND_ERR_.*|SQLITE_(BUSY|LOCKED|IOERR).*)$/,
    'transient',
  ],
];

const causesMax = 8;

/**
 * What an error is, by its class and code and those of its causes, never by its text. What nothing is known of is permanent: trying it
 * again without a reason would only hide it.
 */
export function classify(thrown: unknown): ErrorClass {
  let error = thrown;
  for (let depth = 0; depth < causesMax && error instanceof Error; depth++) {
    const found = classOf(error);
    if (found !== undefined) return found;
    error = error.cause;
  }
  return 'permanent';
}

function classOf(error: Error): ErrorClass | undefined {
  if (error instanceof AppError) {
    // An internal error only wraps what it really was.
    if (error.code === 'internal' && error.cause !== undefined) return undefined;
    return ofCode[error.code] ?? 'caller';
  }
  if (error instanceof SandboxError) return ofSandbox[error.code] ?? 'transient';
  if (error.name === 'AbortError') return 'caller';
  if (error.name === 'TimeoutError') return 'transient';
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string') return undefined;
  return ofSystem.find(([pattern]) => pattern.test(code))?.[1];
}
