import { AppError, type ErrorCode, errorCodes } from './errors.js';
import { type ErrorShape, json, type TextAnswer } from './http.js';
import { recoveryOf } from './recovery.js';

/** Seconds for Retry-After: whole, at least 1. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000));
}

/** When it is worth coming back, where who refused cannot tell it better: every refusal that passes by itself says so. */
const retryMsOf: Partial<Record<ErrorCode, number>> = {
  rate_limited: 1000,
  queue_full: 1000,
  cognitive_overload: 1000,
  ledger_unavailable: 1000,
  engine_unavailable: 5000,
  shutting_down: 5000,
  degraded: 10_000,
};

const retryAfterMs = (error: AppError): number | undefined => error.retryAfterMs ?? retryMsOf[error.code];

function retryHeaders(error: AppError): Record<string, string> {
  const ms = retryAfterMs(error);
  return ms === undefined ? {} : { 'retry-after': String(retryAfterSeconds(ms)) };
}

/** An RFC 9457 problem document. `type` names the code in our documentation, `recovery` what helps. */
export function problemBody(error: AppError, requestId: string): Record<string, unknown> {
  const recovery = recoveryOf[error.code];
  const retryMs = retryAfterMs(error);
  return {
    type: `/docs#error-${error.code}`,
    title: errorCodes[error.code][1],
    status: error.status,
    code: error.code,
    detail: error.message,
    request_id: requestId,
    ...(recovery === null ? {} : { recovery }),
    ...(retryMs === undefined ? {} : { retry_after_ms: Math.ceil(retryMs) }),
    ...error.details,
  };
}

function openaiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** The field at fault. */
function paramOf({ details }: AppError): string | null {
  return typeof details?.param === 'string' ? details.param : null;
}

/** OpenAI's error envelope. */
export function openaiErrorBody(error: AppError, requestId: string): Record<string, unknown> {
  return {
    error: {
      message: error.message,
      type: openaiType(error.status),
      param: paramOf(error),
      code: error.code,
      request_id: requestId,
    },
  };
}

/** Ollama's: a sentence, and beside it what its clients pass over. */
export function ollamaErrorBody(error: AppError, requestId: string): Record<string, unknown> {
  return { error: error.message, code: error.code, param: paramOf(error), request_id: requestId };
}

/** What the caller gets for an error of ours; anything else must have been turned into one before. */
export function failureAnswer(error: AppError, shape: ErrorShape, requestId: string): TextAnswer {
  if (shape === 'ollama') return json(ollamaErrorBody(error, requestId), error.status, retryHeaders(error));
  if (shape === 'openai') return json(openaiErrorBody(error, requestId), error.status, retryHeaders(error));
  return json(problemBody(error, requestId), error.status, {
    'content-type': 'application/problem+json',
    ...retryHeaders(error),
  });
}

/** Any thrown value as an AppError; what we did not foresee is `internal` and tells the caller nothing of its insides. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', 'Something failed inside the appliance; its log names the request id.', {
    cause: error,
  });
}
