import { createHash } from 'node:crypto';
import { isRecord } from '../check.js';
import type { FailureFacts } from '../protocol.js';
import type { FailureCode } from '../types.js';
import { EngineFailure, type EngineResponse } from './port.js';

/** How much of an error body is read; the rest is left. */
const errorBodyMax = 65_536;

/** Codes and types by which servers say that a prompt is longer than their context. */
const contextWords = ['context_length_exceeded', 'exceed_context_size_error'];

/** The failure that an HTTP status other than 200 stands for. */
function codeOfStatus(status: number): FailureCode {
  if (status === 404) return 'model_not_found';
  if (status === 429 || status === 503) return 'engine_overloaded';
  if (status === 501 || status === 405) return 'unsupported';
  if (status === 508) return 'loop_detected';
  if (status >= 500) return 'engine_status';
  if (status >= 300) return 'engine_rejected';
  return 'engine_garbage';
}

function wordsOf(error: unknown): { code: unknown; type: unknown } {
  return isRecord(error) ? { code: error.code, type: error.type } : { code: undefined, type: undefined };
}

/** The engine's words described without quoting them. */
export function describeText(text: string): FailureFacts {
  return {
    bytes: Buffer.byteLength(text),
    sha256: createHash('sha256').update(text).digest('hex').slice(0, 16),
  };
}

/** The code that an `error` object inside a stream stands for, before anything was said; `engine_died` when it tells nothing. */
export function codeOfStreamError(error: unknown): FailureCode {
  const { code, type } = wordsOf(error);
  if (contextWords.includes(String(code)) || contextWords.includes(String(type)))
    return 'context_length_exceeded';
  if (code === 404 || code === 'model_not_found') return 'model_not_found';
  if (code === 429 || code === 503) return 'engine_overloaded';
  return 'engine_died';
}

/** Returns when the status is 200; otherwise reads a bounded part of the body and throws what it means. */
export async function refuseUnlessOk(response: EngineResponse): Promise<void> {
  if (response.status === 200) return;
  let body = '';
  for await (const chunk of response.chunks) {
    body += chunk.slice(0, errorBodyMax - body.length);
    if (body.length >= errorBodyMax) break;
  }
  let code = codeOfStatus(response.status);
  if (code === 'engine_rejected' && saysContext(body)) code = 'context_length_exceeded';
  throw new EngineFailure(code, {
    status: response.status,
    ...(response.retryAfterMs === undefined ? {} : { retryAfterMs: response.retryAfterMs }),
    ...describeText(body),
  });
}

function saysContext(body: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return false;
  }
  return isRecord(value) && codeOfStreamError(value.error) === 'context_length_exceeded';
}
