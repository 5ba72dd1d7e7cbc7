import { AppError } from '../../runtime/contracts/errors.js';
import { HOLD_MS_MAX } from '../../runtime/contracts/guard.js';
import type { AnsweredClaim, Claim, NewClaim } from '../../runtime/contracts/idempotency.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import { reach } from '../../runtime/contracts/record.js';
import {
  type NavigatorBrief,
  type PromptEvent,
  type PromptJob,
  type PromptUsage,
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
import { spend } from './key-limits.js';
import type { OwnQuarantine } from './own-quarantine.js';
import type { AnswerEvent, Embeddings, EmbedQuestion, EngineRequest, Question } from './question.js';
import { type Course, lastAsked, personTexts, Records, type Speaker } from './records.js';
import { reducedPrompt } from './reduced.js';
import { answerCalls } from './toolbox/answer-calls.js';
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

  constructor(
    context: ModuleContext,
    brief: (question: string) => Promise<NavigatorBrief>,
    quarantine: OwnQuarantine,
  ) {
    this.#context = context;
    this.#brief = brief;
    this.#walk = new EngineWalk(context, quarantine);
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
    const { messages } = question;
    const course = await this.#entrance.pass(question, question.parts ?? partsOfMessages(messages), {
      askedMs,
      claim,
      tools: [question.tools, question.toolbox].some(Boolean) || messages.some(({ role }) => role === 'tool'),
    });
    try {
      const { attempt, result, watch } = yield* this.#rounds(question, course);
      const speaker = this.#speaker(attempt);
      const answer = await this.#records.answered(question, course, speaker, watch, result);
      yield { type: 'done', answer };
    } catch (thrown) {
      throw await this.#failed(question, course, thrown);
    }
  }

  /**
   * Asks, and as long as the model wants tools of ours, runs them and asks the same model again with what they gave; the last time
   * without tools.
   */
  async *#rounds(question: Question, course: Course): AsyncGenerator<AnswerEvent, Round> {
    const { toolbox, ...rest } = question;
    if (toolbox === undefined) return yield* this.#round(question, course);
    const { config } = this.#context;
    const deadlineMs = course.startedMs + config.assistantia.deadline_ms;
    const tools = toolbox.offers();
    let asked: Question = { ...rest, tools, toolbox };
    let before = '';
    let firstAtMs: number | undefined;
    let usage: PromptUsage | undefined;
    for (let left = config.tools.rounds_max; ; left -= 1) {
      const { attempt, result, watch } = yield* this.#round(asked, course);
      firstAtMs ??= attempt.firstAtMs;
      usage = sumOf(usage, result?.usage);
      const { text, calls, cut } = watch;
      if (result === undefined || calls.length === 0 || left === 0)
        return {
          attempt: { ...attempt, firstAtMs },
          result: result === undefined ? undefined : { ...result, ...(usage === undefined ? {} : { usage }) },
          watch: { text: before + text, calls: [], cut },
        };
      const todo = { question, toolbox, said: text, calls, deadlineMs };
      const more = yield* answerCalls(this.#context, this.#screen, todo);
      before += text;
      if (text !== '') {
        before += '\n\n';
        yield { type: 'delta', text: '\n\n' };
      }
      const { engine, model } = attempt.candidate;
      const { tools: _, ...withoutTools } = asked;
      asked = {
        ...(left === 1 ? withoutTools : asked),
        model: `${engine}/${model}`,
        messages: [...asked.messages, ...more],
      };
    }
  }

  async *#round(
    question: Question,
    course: Course,
  ): AsyncGenerator<AnswerEvent, Round & { watch: AnswerWatch }> {
    const { systemPrompt, canary, messages } = question;
    const action = this.#screen.actionFor(question);
    // One for each attempt; the last one's is the answer's.
    let watch!: AnswerWatch;
    let asked: Candidate | undefined;
    const spent = (usage?: PromptUsage) => {
      if (asked === undefined) return;
      const promptChars = messages.reduce((sum, { content }) => sum + content.length, 0);
      const { engine } = asked;
      const call = { engine, usage, promptChars, answerChars: watch.text.length };
      spend(this.#context.access.meter, question, call);
    };
    try {
      const done = yield* this.#walk.go<AnswerEvent, Ending | undefined>({
        ...question,
        ...course,
        prepare: (candidate) => this.#job(question, candidate),
        waiting: question.tellsPlace === true ? (place) => ({ type: 'waiting', place }) : undefined,
        listen: (tried, events) => {
          watch = new AnswerWatch(this.#context.guard, { systemPrompt, canary, action });
          asked = tried.candidate;
          return this.#listen(question, tried, events, watch);
        },
      });
      spent(done.result?.usage);
      return { ...done, watch };
    } catch (thrown) {
      spent();
      throw thrown;
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
      spend(this.#context.access.meter, question, {
        engine: attempt.candidate.engine,
        usage: result.usage,
        promptChars: texts.reduce((sum, text) => sum + text.length, 0),
        answerChars: 0,
      });
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
    const { messages, sampling, toolbox, toolChoice, format } = question;
    const limits = this.#context.degradation.limits();
    const isNavigator = engine === 'navigator';
    // What the appliance runs itself is a permission, and navigator makes no use of it.
    const tools = isNavigator && toolbox !== undefined ? undefined : question.tools;
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
        if (watch.allows(call) && question.toolbox === undefined) {
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

/** One question to the engines, answered. */
interface Round {
  attempt: Attempt;
  /** Undefined when the guard cut it. */
  result: Ending | undefined;
  watch: Pick<AnswerWatch, 'text' | 'calls' | 'cut'>;
}

function sumOf(one: PromptUsage | undefined, other: PromptUsage | undefined): PromptUsage | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return {
    prompt_tokens: one.prompt_tokens + other.prompt_tokens,
    completion_tokens: one.completion_tokens + other.completion_tokens,
  };
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
