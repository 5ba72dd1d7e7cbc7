import { z } from 'zod';
import { AppError, type ErrorCode } from './errors.js';
import type { JsonObject } from './json.js';
import type { NewEvent, Receipt, StoredEvent } from './ledger.js';

/** A request that may be sent again and is to be done once. */
export interface IdempotentRequest {
  /** As the client sent it: the header Idempotency-Key. */
  key: string;
  /** Method and path; with the client and the key it names the request. */
  route: string;
  /** What must be the same when it is sent again, as JSON. */
  body: unknown;
}

export interface ClaimRequest extends IdempotentRequest {
  /** Identity of the caller. */
  client: string;
  requestId: string;
  /** By what the record is found when a person's texts are erased. */
  texts: Record<string, string>;
  /** Stream of the event that ends the request; one of the request's own unless given. */
  stream?: string;
  /** What may not be done twice is refused when it was begun before and nobody knows whether it was done; it is done again unless said. */
  interrupted?: 'again' | 'refuse';
}

/** What was claimed is this caller's alone until `settle`. */
export interface NewClaim {
  state: 'new';
  /** The event that ends the request, with what is to be given again. */
  ending(event: NewEvent, result: JsonObject): NewEvent;
  /**
   * To be called with `true` once that event is durable, and always at the end with `false`: unless it was, the next one with the key
   * does the work anew. The first call counts.
   */
  settle(ended: boolean): void;
}

/** It was done before. */
export interface AnsweredClaim {
  state: 'answered';
  result: JsonObject;
  event: StoredEvent;
  /** All texts of the event. */
  texts: Record<string, string>;
  receipt: Receipt;
}

export type Claim = NewClaim | AnsweredClaim;

export interface Idempotency {
  /**
   * Claims a key. Its start is durable before the claim is given.
   * @throws AppError `invalid_request` for a key that is none; `request_in_progress` (with retryAfterMs) while one with the key runs;
   * `outcome_unknown` for one that was interrupted and may not be done twice; `idempotency_mismatch` when the key came with another body; `ledger_unavailable`.
   */
  claim(request: ClaimRequest): Promise<Claim>;
}

/** Whether a failure is what the request gives, or only how things stood: then it is done anew when it comes again. */
export function isFinal(error: AppError): boolean {
  return error.status !== 429 && error.status !== 503;
}

/** What an error is made of again. */
export function failureResult({ code, message, details }: AppError): JsonObject {
  return JSON.parse(JSON.stringify({ error: { code, message, details } })) as JsonObject;
}

/** @throws AppError with the failure that the request gave, if it gave one; with `more` beside its details. */
export function throwFailure({ result }: AnsweredClaim, more: object = {}): void {
  if (result.error === undefined) return;
  const { code, message, details } = result.error as {
    code: ErrorCode;
    message: string;
    details?: JsonObject;
  };
  throw new AppError(code, message, { details: { ...details, ...more } });
}

/** The header, for a route's documentation. */
export const idempotencyHeader = {
  name: 'Idempotency-Key',
  description:
    'Up to 255 visible ASCII characters. A request that is sent again with the same key and body is answered with what the first one gave',
  schema: z.string(),
};
