import type { AppError } from '../../runtime/contracts/errors.js';
import type { GuardJudgement } from '../../runtime/contracts/guard.js';
import { ownerOf } from '../../runtime/contracts/http.js';
import { failureResult, isFinal, type NewClaim } from '../../runtime/contracts/idempotency.js';
import type { JsonObject } from '../../runtime/contracts/json.js';
import type { NewEvent, Receipt } from '../../runtime/contracts/ledger.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import { reach } from '../../runtime/contracts/record.js';
import type { PromptEvent } from '../../runtime/contracts/sandbox.js';
import type { AnswerWatch } from './answer-watch.js';
import { answerResult, vectorsResult } from './idempotency.js';
import type { Answer, Embeddings, EmbedQuestion, EngineRequest, Question } from './question.js';
import type { Skipped } from './walk.js';

type Ending = Extract<PromptEvent, { type: 'done' }>;

/** What is known of a request before an engine is asked, and grows while they are tried. */
export interface Course {
  startedMs: number;
  /** The same in wall time. */
  askedMs: number;
  /** Ids of the rules that flagged what was asked. */
  flagged: string[];
  skipped: Skipped[];
  claim: NewClaim | undefined;
}

/** Who answered, and when that began. */
export interface Speaker {
  engine: string;
  model: string;
  firstAtMs: number | undefined;
}

/** The events that end a request. With a claim an event also holds what is to be given when the request comes again. */
export class Records {
  readonly #context: ModuleContext;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  /** A prompt that the guard refused. */
  refused(
    request: EngineRequest,
    claim: NewClaim | undefined,
    refused: { text: string; judgement: GuardJudgement; refusal: AppError },
  ): Promise<Receipt> {
    const { text, judgement, refusal } = refused;
    const { mode, level, score, threshold, model, second } = judgement;
    const rules = judgement.reasons.map(({ rule }) => rule);
    const event: NewEvent = {
      type: 'prompt_refused',
      module: 'assistantia',
      correlationId: request.requestId,
      data: {
        ...{ rules, chars: text.length, mode, level, score, threshold, model },
        ...(second === undefined ? {} : { second: { ...second } }),
      },
      texts: { prompt: text, ...personTexts(request) },
    };
    return this.#append(event, claim, () => failureResult(refusal));
  }

  /** `ending` is undefined where the guard cut the answer. Resolves when it is durable, or as far as `question.record` asks. */
  async answered(
    question: Question,
    { startedMs, askedMs, flagged, skipped, claim }: Course,
    { engine, model, firstAtMs }: Speaker,
    { text, calls, cut }: Pick<AnswerWatch, 'text' | 'calls' | 'cut'>,
    ending: Ending | undefined,
  ): Promise<Answer> {
    const { bus, clock, ledger } = this.#context;
    const finishReason: Answer['finishReason'] =
      ending === undefined ? 'content_filter' : ending.finishReason;
    const asked = lastAsked(question);
    const tookMs = clock.monotonicMs() - startedMs;
    const firstMs = firstAtMs === undefined ? undefined : firstAtMs - startedMs;
    const data: JsonObject = {
      engine,
      model,
      finish_reason: finishReason,
      took_ms: Math.round(tookMs),
      prompt_chars: asked.length,
      answer_chars: text.length,
      flagged,
      cut: cut?.reasons.map((reason) => reason.rule) ?? [],
      skipped: skipped.map((one) => ({ ...one })),
    };
    if (firstMs !== undefined) data.first_text_ms = Math.round(firstMs);
    if (calls.length > 0) data.tool_calls = calls.length;
    if (ending?.leftOut !== undefined) data.left_out = ending.leftOut;
    if (ending?.usage !== undefined) data.usage = { ...ending.usage };
    const said: Record<string, string> = calls.length === 0 ? {} : { tool_calls: JSON.stringify(calls) };
    const kept = {
      id: question.requestId,
      askedMs,
      engine,
      model,
      finishReason,
      usage: ending?.usage,
      leftOut: ending?.leftOut,
      tookMs,
      firstMs,
      reasons: cut?.reasons ?? [],
    };
    const event: NewEvent = {
      type: 'chat_answered',
      module: 'assistantia',
      correlationId: question.requestId,
      data,
      texts: { prompt: asked, answer: text, ...said, ...personTexts(question) },
    };
    const durable = await this.#append(event, claim, () => answerResult(kept));
    const { level, waitMs } = question.record ?? { level: 'durable' };
    const { index } = durable;
    bus.publish('prompt.answered', { engine, model, requestId: question.requestId, index });
    const { receipt } = await reach(ledger, durable, { level, waitMs });
    return { ...kept, session: question.session, receipt };
  }

  async embedded(
    question: EmbedQuestion,
    { startedMs, flagged, skipped, claim }: Course,
    { engine, model }: Speaker,
    { usage }: Ending,
    vectors: number[][],
  ): Promise<Embeddings> {
    const tookMs = this.#context.clock.monotonicMs() - startedMs;
    const event: NewEvent = {
      type: 'texts_embedded',
      module: 'assistantia',
      correlationId: question.requestId,
      data: {
        engine,
        model,
        texts: vectors.length,
        chars: question.texts.reduce((sum, text) => sum + text.length, 0),
        dimensions: vectors[0]?.length ?? 0,
        took_ms: Math.round(tookMs),
        flagged,
        skipped: skipped.map((one) => ({ ...one })),
        ...(usage === undefined ? {} : { usage: { ...usage } }),
      },
      // Vectors are kept only for whoever may ask again.
      texts: {
        ...personTexts(question),
        ...(claim === undefined ? {} : { vectors: JSON.stringify(vectors) }),
      },
    };
    const kept = { engine, model, usage, tookMs };
    const receipt = await this.#append(event, claim, () => vectorsResult(kept));
    return { ...kept, vectors, receipt };
  }

  /** A prompt that failed is an event too; one refused for load is not, or a flood of requests would become a flood of writes. */
  async failed(
    request: EngineRequest,
    error: AppError,
    cause: string,
    { skipped, claim }: Course,
  ): Promise<void> {
    if (['queue_full', 'ledger_unavailable', 'system_reboot_required'].includes(error.code)) return;
    try {
      const event: NewEvent = {
        type: 'chat_failed',
        module: 'assistantia',
        correlationId: request.requestId,
        data: { code: error.code, cause, skipped: skipped.map((one) => ({ ...one })) },
        texts: personTexts(request),
      };
      await this.#append(event, isFinal(error) ? claim : undefined, () => failureResult(error));
    } catch (failed) {
      this.#context.log.error(
        { err: failed, request_id: request.requestId },
        'a failed prompt could not be recorded',
      );
    }
  }

  async #append(event: NewEvent, claim: NewClaim | undefined, result: () => JsonObject): Promise<Receipt> {
    const receipt = await this.#context.ledger.append(
      claim === undefined ? event : claim.ending(event, result()),
    );
    claim?.settle(true);
    return receipt;
  }
}

/** What was asked last. */
export function lastAsked({ messages }: Question): string {
  return messages.findLast(({ role }) => role === 'user')?.content ?? '';
}

/** By what the texts of a person are found when they are to be erased. */
export function personTexts({ session, client }: EngineRequest): Record<string, string> {
  const key = ownerOf(client);
  return { ...(session === undefined ? {} : { session }), ...(key === null ? {} : { key }) };
}
