import { AppError } from '../../runtime/contracts/errors.js';
import { HOLD_MS_MAX } from '../../runtime/contracts/guard.js';
import type { AnsweredClaim, Claim, NewClaim } from '../../runtime/contracts/idempotency.js';
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
import { Entrance } from './entrance.js';
import { treat } from './failures.js';
import { withExpiry } from './guard/held.js';
import { partsOfMessages } from './guard/parts.js';
import { Screen } from './guard/screen.js';
import { replayedAnswer, replayedVectors } from './idempotency.js';
import type { AnswerEvent, Embeddings, EmbedQuestion, EngineRequest, Question } from './question.js';
import { type Course, lastAsked, personTexts, Records, type Speaker } from './records.js';
import { reducedPrompt } from './reduced.js';
import { type Attempt, EngineWalk } from './walk.js';

type Ending = Extract<PromptEvent, { type: 'done' }>;

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
  readonly #records: Records;
  readonly #entrance: Entrance;

  constructor(context: ModuleContext, brief: (question: string) => Promise<NavigatorBrief>) {
    this.#context = context;
    this.#brief = brief;
    this.#walk = new EngineWalk(context);
    this.#records = new Records(context);
    this.#screen = new Screen(context, this.#records);
    this.#entrance = new Entrance(context, this.#screen);
  }

  /** @throws AppError with what went wrong; what was asked and refused or failed is recorded before. */
  async *ask(question: Question): AsyncGenerator<AnswerEvent> {
    const claim = await this.#claim(question);
    if (claim?.state === 'answered') {
      yield* this.#replay(question, claim);
      return;
    }
    try {
      yield* this.#answer(question, claim);
    } finally {
      claim?.settle(false);
    }
  }

  async *#answer(question: Question, claim: NewClaim | undefined): AsyncGenerator<AnswerEvent> {
    const askedMs = this.#context.clock.wallMs();
    yield { type: 'of', id: question.requestId, askedMs };
    const { messages, systemPrompt, canary } = question;
    const course = await this.#entrance.pass(question, question.parts ?? partsOfMessages(messages), {
      askedMs,
      claim,
      tools: question.tools !== undefined || messages.some(({ role }) => role === 'tool'),
    });
    try {
      const { guard } = this.#context;
      const action = this.#screen.actionFor(question);
      // One for each attempt; the last one's is the answer's.
      let watch!: AnswerWatch;
      const { attempt, result } = yield* this.#walk.go<AnswerEvent, Ending | undefined>({
        ...question,
        ...course,
        prepare: (candidate) => this.#job(question, candidate),
        waiting: question.tellsPlace === true ? (place) => ({ type: 'waiting', place }) : undefined,
        listen: (tried, events) => {
          watch = new AnswerWatch(guard, { systemPrompt, canary, action });
          return this.#listen(question, tried, events, watch);
        },
      });
      const speaker = this.#speaker(attempt);
      const answer = await this.#records.answered(question, course, speaker, watch, result);
      yield { type: 'done', answer };
    } catch (thrown) {
      throw await this.#failed(question, course, thrown);
    }
  }

  /** What was given before: its text in one piece, whatever the pieces were. */
  async *#replay(question: Question, claim: AnsweredClaim): AsyncGenerator<AnswerEvent> {
    const { text, calls, answer } = replayedAnswer(claim);
    const { engine, model, id, askedMs } = answer;
    yield { type: 'of', id, askedMs };
    if (text !== '' || calls.length > 0) yield { type: 'begin', engine, model };
    if (text !== '') yield { type: 'delta', text };
    for (const call of calls) yield { type: 'tool_call', call };
    const { level, waitMs } = question.record ?? { level: 'durable' };
    const { receipt } = await reach(this.#context.ledger, claim.receipt, { level, waitMs });
    yield { type: 'done', answer: { ...answer, receipt } };
  }

  async #claim(request: EngineRequest): Promise<Claim | undefined> {
    const { idempotency, client, requestId } = request;
    if (idempotency === undefined) return undefined;
    this.#entrance.refuseUnrecordable();
    const texts = personTexts(request);
    return this.#context.idempotency.claim({ ...idempotency, client, requestId, texts });
  }

  /** The vectors of texts. @throws as `ask` does. */
  async embed(question: EmbedQuestion): Promise<Embeddings> {
    const claim = await this.#claim(question);
    if (claim?.state === 'answered') {
      const { kept, vectors } = replayedVectors(claim);
      return { ...kept, vectors, receipt: claim.receipt, replayed: true };
    }
    try {
      return await this.#embed(question, claim);
    } finally {
      claim?.settle(false);
    }
  }

  async #embed(question: EmbedQuestion, claim: NewClaim | undefined): Promise<Embeddings> {
    const { texts } = question;
    const askedMs = this.#context.clock.wallMs();
    const parts = texts.map((text) => ({ text, mode: 'document' as const }));
    const course = await this.#entrance.pass(question, parts, { askedMs, claim, tools: false });
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
      const { attempt, result } = step.value;
      return await this.#records.embedded(question, course, this.#speaker(attempt), result, vectors);
    } catch (thrown) {
      throw await this.#failed(question, course, thrown);
    }
  }

  /** What the caller is told; recorded before. */
  async #failed(request: EngineRequest, course: Course, thrown: unknown): Promise<AppError> {
    // Whatever else failed on the way, a request whose client has gone or that the shutdown cancelled is just that.
    const { error, cause } = treat(request.signal.aborted ? new SandboxError('aborted', givenUp) : thrown);
    await this.#records.failed(request, error, cause, course);
    return error;
  }

  #speaker(attempt: Attempt): Speaker {
    return { ...this.#walk.spoke(attempt), firstAtMs: attempt.firstAtMs };
  }

  async #job(question: Question, { engine, model }: Candidate): Promise<PromptJob> {
    const { messages, sampling, tools, toolChoice, format } = question;
    const limits = this.#context.degradation.limits();
    const isNavigator = engine === 'navigator';
    const prompt = {
      ...(isNavigator ? { messages, sampling } : reducedPrompt({ messages, sampling }, limits)),
      ...(tools === undefined ? {} : { tools }),
      ...(toolChoice === undefined ? {} : { toolChoice }),
      ...(format === undefined ? {} : { format }),
    };
    if (!isNavigator) return { engine, model, ...prompt };
    const brief = await this.#brief(lastAsked(question));
    return { engine, model, ...prompt, brief: limits.passages ? brief : { ...brief, passages: [] } };
  }

  /** Passes on what the guard releases. Returns undefined when the guard cut the answer. */
  async *#listen(
    question: Question,
    attempt: Attempt,
    events: AsyncIterable<PromptEvent>,
    watch: AnswerWatch,
  ): AsyncGenerator<AnswerEvent, Ending | undefined> {
    const { clock, setTimer } = this.#context;
    const hold = { holdMs: HOLD_MS_MAX, nowMs: () => clock.monotonicMs(), setTimer };
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
}

const givenUp = 'The request was given up: its client has gone, or the appliance is stopping.';

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
