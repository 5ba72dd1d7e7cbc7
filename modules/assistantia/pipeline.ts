import { AppError } from '../../runtime/contracts/errors.js';
import { HOLD_MS_MAX } from '../../runtime/contracts/guard.js';
import type { JsonObject } from '../../runtime/contracts/json.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import { reach } from '../../runtime/contracts/record.js';
import {
  type NavigatorBrief,
  type PromptEvent,
  type PromptJob,
  SandboxError,
} from '../../runtime/contracts/sandbox.js';
import { AnswerWatch } from './answer-watch.js';
import type { Candidate } from './chain.js';
import { treat } from './failures.js';
import { withExpiry } from './guard/held.js';
import { type Part, partsOfMessages } from './guard/parts.js';
import { Screen } from './guard/screen.js';
import type { Answer, AnswerEvent, Embeddings, EmbedQuestion, EngineRequest, Question } from './question.js';
import { type Attempt, EngineWalk, type Skipped } from './walk.js';

type Ending = Extract<PromptEvent, { type: 'done' }>;

/** What is known of a request before an engine is asked, and grows while they are tried. */
interface Course {
  startedMs: number;
  /** Ids of the rules that flagged what was asked. */
  flagged: string[];
  skipped: Skipped[];
}

/**
 * Takes a question through guard, admission, breaker, sandbox, guard and ledger. Yields the answer as it comes; `done` carries the
 * receipt and is yielded only when the event is durable. Until the first text the next engine of the chain is tried; after it, a
 * failure is thrown, so that no broken answer looks complete.
 */
export class Pipeline {
  readonly #context: ModuleContext;
  readonly #brief: (question: string) => Promise<NavigatorBrief>;
  readonly #screen: Screen;
  readonly #walk: EngineWalk;

  constructor(context: ModuleContext, brief: (question: string) => Promise<NavigatorBrief>) {
    this.#context = context;
    this.#brief = brief;
    this.#screen = new Screen(context);
    this.#walk = new EngineWalk(context);
  }

  /** @throws AppError with what went wrong; what was asked and refused or failed is recorded before. */
  async *ask(question: Question): AsyncGenerator<AnswerEvent> {
    const { messages, systemPrompt, canary } = question;
    const tools = question.tools !== undefined || messages.some(({ role }) => role === 'tool');
    const course = await this.#enter(question, question.parts ?? partsOfMessages(messages), tools);
    try {
      const { guard } = this.#context;
      const action = this.#screen.actionFor(question);
      // One for each attempt; the last one's is the answer's.
      let watch!: AnswerWatch;
      const { attempt, result } = yield* this.#walk.go<AnswerEvent, Ending | undefined>({
        ...question,
        ...course,
        prepare: (candidate) => this.#job(question, candidate),
        listen: (tried, events) => {
          watch = new AnswerWatch(guard, { systemPrompt, canary, action });
          return this.#listen(question, tried, events, watch);
        },
      });
      yield { type: 'done', answer: await this.#record(question, course, attempt, result, watch) };
    } catch (thrown) {
      throw await this.#failed(question, course, thrown);
    }
  }

  /** The vectors of texts. @throws as `ask` does. */
  async embed(question: EmbedQuestion): Promise<Embeddings> {
    const { texts } = question;
    const parts = texts.map((text) => ({ text, mode: 'document' as const }));
    const course = await this.#enter(question, parts, false);
    try {
      const vectors: number[][] = [];
      const walk = this.#walk.go<never, Ending>({
        ...question,
        ...course,
        prepare: ({ engine, model }) => ({ engine, model, embed: texts }),
        listen: (attempt, events) => collectVectors(attempt, events, vectors),
      });
      const step = await walk.next();
      if (step.done !== true) throw new AppError('internal', 'Vectors came in the form of an answer.');
      return await this.#recordVectors(question, course, step.value.attempt, step.value.result, vectors);
    } catch (thrown) {
      throw await this.#failed(question, course, thrown);
    }
  }

  /** `tools`: whether the model can use some. */
  async #enter(request: EngineRequest, parts: readonly Part[], tools: boolean): Promise<Course> {
    const startedMs = this.#context.clock.monotonicMs();
    this.#takeToken(request.client, startedMs);
    this.#refuseUnrecordable();
    const flagged = await this.#screen.check({ ...request, texts: personTexts(request), tools }, parts);
    return { startedMs, flagged, skipped: [] };
  }

  /** What the caller is told; recorded before. */
  async #failed(request: EngineRequest, { skipped }: Course, thrown: unknown): Promise<AppError> {
    // Whatever else failed on the way, a request whose client has gone or that the shutdown cancelled is just that.
    const { error, cause } = treat(request.signal.aborted ? new SandboxError('aborted', givenUp) : thrown);
    await this.#recordFailure(request, error, cause, skipped);
    return error;
  }

  #takeToken(client: string, nowMs: number): void {
    const verdict = this.#context.rate.prompts.take(client, nowMs);
    if (verdict.ok) return;
    throw new AppError('rate_limited', 'Too many prompts; see limits.prompts_per_minute.', {
      retryAfterMs: verdict.retryAfterMs,
    });
  }

  /** What could not be recorded is not even asked: an answer that must be kept back would only load the engine. */
  #refuseUnrecordable(): void {
    const { state, trouble, retry_after_ms: retryAfterMs } = this.#context.ledger.status();
    if (state === 'open') return;
    const why = trouble === undefined ? '' : ` (${trouble})`;
    throw new AppError(
      'ledger_unavailable',
      `The ledger cannot record now${why}, and no answer is given that is not recorded. /health, /status and what was recorded are served.`,
      retryAfterMs === undefined ? {} : { retryAfterMs },
    );
  }

  async #job(question: Question, { engine, model }: Candidate): Promise<PromptJob> {
    const { messages, sampling, tools, toolChoice, format } = question;
    const prompt = {
      messages,
      sampling,
      ...(tools === undefined ? {} : { tools }),
      ...(toolChoice === undefined ? {} : { toolChoice }),
      ...(format === undefined ? {} : { format }),
    };
    if (engine !== 'navigator') return { engine, model, ...prompt };
    return { engine, model, ...prompt, brief: await this.#brief(lastAsked(question)) };
  }

  /** Passes on what the guard releases. Returns undefined when the guard cut the answer. */
  async *#listen(
    question: Question,
    attempt: Attempt,
    events: AsyncIterable<PromptEvent>,
    watch: AnswerWatch,
  ): AsyncGenerator<AnswerEvent, Ending | undefined> {
    const hold = { holdMs: HOLD_MS_MAX, nowMs: () => this.#context.clock.monotonicMs() };
    for await (const event of withExpiry(events, watch, hold)) {
      if (event === 'expired') {
        const text = watch.expire();
        yield* this.#begin(attempt);
        yield { type: 'delta', text };
        continue;
      }
      if (event.type === 'vector') throw new AppError('internal', 'An answer came in the form of vectors.');
      attempt.claimed = event.model ?? attempt.claimed;
      if (event.type === 'tool_call') {
        const call = {
          ...event.call,
          id: event.call.id || `call_${question.requestId}_${watch.calls.length}`,
        };
        if (watch.allows(call)) {
          yield* this.#begin(attempt);
          yield { type: 'tool_call', call };
        }
      } else {
        const text = watch.take(event.type === 'delta' ? event.text : undefined);
        if (text !== '') {
          yield* this.#begin(attempt);
          yield { type: 'delta', text };
        }
      }
      if (watch.ended) return undefined;
      if (event.type === 'done') return event;
    }
    throw new AppError('internal', 'The sandbox ended without an ending.');
  }

  *#begin(attempt: Attempt): Generator<AnswerEvent> {
    if (attempt.started) return;
    yield { type: 'begin', ...this.#walk.spoke(attempt) };
    attempt.started = true;
    attempt.firstAtMs = this.#context.clock.monotonicMs();
  }

  async #record(
    question: Question,
    { startedMs, flagged, skipped }: Course,
    attempt: Attempt,
    ending: Ending | undefined,
    watch: AnswerWatch,
  ): Promise<Answer> {
    const { clock, ledger } = this.#context;
    const { engine, model } = this.#walk.spoke(attempt);
    const finishReason = ending === undefined ? 'content_filter' : ending.finishReason;
    const asked = lastAsked(question);
    const tookMs = clock.monotonicMs() - startedMs;
    const firstMs = attempt.firstAtMs === undefined ? undefined : attempt.firstAtMs - startedMs;
    const { text, calls, cut } = watch;
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
    if (ending?.usage !== undefined) data.usage = { ...ending.usage };
    const said: Record<string, string> = calls.length === 0 ? {} : { tool_calls: JSON.stringify(calls) };
    const durable = await ledger.append({
      type: 'chat_answered',
      module: 'assistantia',
      correlationId: question.requestId,
      data,
      texts: { prompt: asked, answer: text, ...said, ...personTexts(question) },
    });
    const { level, waitMs } = question.record ?? { level: 'durable' };
    const { receipt } = await reach(ledger, durable, { level, waitMs });
    const reasons = cut?.reasons ?? [];
    return { engine, model, finishReason, usage: ending?.usage, tookMs, firstMs, reasons, receipt };
  }

  async #recordVectors(
    question: EmbedQuestion,
    { startedMs, flagged, skipped }: Course,
    attempt: Attempt,
    { usage }: Ending,
    vectors: number[][],
  ): Promise<Embeddings> {
    const { clock, ledger } = this.#context;
    const { engine, model } = this.#walk.spoke(attempt);
    const tookMs = clock.monotonicMs() - startedMs;
    const receipt = await ledger.append({
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
      texts: personTexts(question),
    });
    return { engine, model, vectors, usage, tookMs, receipt };
  }

  /** A prompt that failed is an event too; one refused for load is not, or a flood of requests would become a flood of writes. */
  async #recordFailure(
    request: EngineRequest,
    error: AppError,
    cause: string,
    skipped: readonly Skipped[],
  ): Promise<void> {
    if (['queue_full', 'ledger_unavailable', 'system_reboot_required'].includes(error.code)) return;
    try {
      await this.#context.ledger.append({
        type: 'chat_failed',
        module: 'assistantia',
        correlationId: request.requestId,
        data: { code: error.code, cause, skipped: skipped.map((one) => ({ ...one })) },
        texts: personTexts(request),
      });
    } catch (failed) {
      this.#context.log.error(
        { err: failed, request_id: request.requestId },
        'a failed prompt could not be recorded',
      );
    }
  }
}

const givenUp = 'The request was given up: its client has gone, or the appliance is stopping.';

function lastAsked({ messages }: Question): string {
  return messages.findLast(({ role }) => role === 'user')?.content ?? '';
}

/** By what the texts of a person are found when they are to be erased. */
function personTexts({ session, client }: EngineRequest): Record<string, string> {
  return {
    ...(session === undefined ? {} : { session }),
    ...(client.startsWith('key:') ? { key: client.slice('key:'.length) } : {}),
  };
}

/** Fills `vectors`; another attempt begins anew. */
// biome-ignore lint/correctness/useYield: nothing goes to the client before all are there.
async function* collectVectors(
  attempt: Attempt,
  events: AsyncIterable<PromptEvent>,
  vectors: number[][],
): AsyncGenerator<never, Ending> {
  vectors.length = 0;
  for await (const event of events) {
    if (event.type === 'vector') vectors.push(event.vector);
    if (event.type !== 'done') continue;
    attempt.claimed = event.model;
    return event;
  }
  throw new AppError('internal', 'The sandbox ended without an ending.');
}
