import { AppError, type ErrorCode } from '../../runtime/contracts/errors.js';
import type { GuardReason } from '../../runtime/contracts/guard.js';
import type { AnsweredClaim } from '../../runtime/contracts/idempotency.js';
import type { JsonObject } from '../../runtime/contracts/json.js';
import type { PromptUsage, ToolCall } from '../../runtime/contracts/sandbox.js';
import type { Answer } from './question.js';

const asJson = (value: object): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

/** Whether a failure is what the request gives, or only how things stood: then it is done anew when it comes again. */
export function isFinal(error: AppError): boolean {
  return error.status !== 429 && error.status !== 503;
}

/** What an error is made of again. */
export function failureResult({ code, message, details }: AppError): JsonObject {
  return asJson({ error: { code, message, details } });
}

export interface KeptAnswer
  extends Pick<Answer, 'id' | 'askedMs' | 'engine' | 'model' | 'finishReason' | 'tookMs'> {
  usage?: PromptUsage;
  firstMs?: number;
  reasons: GuardReason[];
}

/** What an answer is made of again, beside the texts of its event. */
export function answerResult(kept: KeptAnswer): JsonObject {
  return asJson(kept);
}

/** @throws AppError with the failure that the request gave. */
function refuseFailed({ result, receipt, event }: AnsweredClaim): void {
  if (result.error === undefined) return;
  const { code, message, details } = result.error as {
    code: ErrorCode;
    message: string;
    details?: JsonObject;
  };
  const own = event.type === 'prompt_refused' ? { receipt } : {};
  throw new AppError(code, message, { details: { ...details, ...own } });
}

/** The answer that the request gave. @throws AppError with the failure that it gave instead. */
export function replayedAnswer(claim: AnsweredClaim): { text: string; calls: ToolCall[]; answer: Answer } {
  refuseFailed(claim);
  const { result, texts, receipt } = claim;
  const kept = result as unknown as KeptAnswer;
  const answer = { ...kept, session: texts.session, receipt, replayed: true };
  const calls = JSON.parse(texts.tool_calls ?? '[]') as ToolCall[];
  return { text: texts.answer ?? '', calls, answer };
}

/** The vectors that the request gave, as kept in the text `vectors`. @throws AppError as above. */
export function replayedVectors(claim: AnsweredClaim): { kept: KeptVectors; vectors: number[][] } {
  refuseFailed(claim);
  const vectors = JSON.parse(claim.texts.vectors ?? '[]') as number[][];
  return { kept: claim.result as unknown as KeptVectors, vectors };
}

export interface KeptVectors {
  engine: string;
  model: string;
  usage?: PromptUsage;
  tookMs: number;
}

export function vectorsResult(kept: KeptVectors): JsonObject {
  return asJson(kept);
}
