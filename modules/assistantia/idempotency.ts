import type { GuardReason } from '../../runtime/contracts/guard.js';
import { type AnsweredClaim, throwFailure } from '../../runtime/contracts/idempotency.js';
import type { JsonObject } from '../../runtime/contracts/json.js';
import type { PromptUsage, ToolCall } from '../../runtime/contracts/sandbox.js';
import type { Answer } from './question.js';

const asJson = (value: object): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;

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

/** A refusal carries the receipt of its record. */
const ownReceipt = ({ event, receipt }: AnsweredClaim) =>
  event.type === 'prompt_refused' ? { receipt } : {};

/** The answer that the request gave. @throws AppError with the failure that it gave instead. */
export function replayedAnswer(claim: AnsweredClaim): { text: string; calls: ToolCall[]; answer: Answer } {
  throwFailure(claim, ownReceipt(claim));
  const { result, texts, receipt } = claim;
  const kept = result as unknown as KeptAnswer;
  const answer = { ...kept, session: texts.session, receipt, replayed: true };
  const calls = JSON.parse(texts.tool_calls ?? '[]') as ToolCall[];
  return { text: texts.answer ?? '', calls, answer };
}

/** The vectors that the request gave, as kept in the text `vectors`. @throws AppError as above. */
export function replayedVectors(claim: AnsweredClaim): { kept: KeptVectors; vectors: number[][] } {
  throwFailure(claim, ownReceipt(claim));
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
