import type { SlotOutcome } from '../../runtime/contracts/admission.js';
import { AppError } from '../../runtime/contracts/errors.js';
import type { GuardReason, GuardResult } from '../../runtime/contracts/guard.js';
import type { JsonObject } from '../../runtime/contracts/json.js';
import type { CheckpointedReceipt, Receipt } from '../../runtime/contracts/ledger.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import { reach } from '../../runtime/contracts/record.js';
import {
  type NavigatorBrief,
  type PromptEvent,
  type PromptJob,
  type PromptMessage,
  type PromptSampling,
  SandboxError,
} from '../../runtime/contracts/sandbox.js';
import { type Candidate, type ChainRequest, resolveChain } from './chain.js';
import { type Failure, slotOutcome, treat } from './failures.js';
import { reducedPrompt, smallerModels } from './reduced.js';

export interface Question extends ChainRequest {
  messages: PromptMessage[];
  sampling: PromptSampling;
  /** Identity for rate limit and fairness. */
  client: string;
  session?: string;
  requestId: string;
  signal: AbortSignal;
  /** Text that the answer must not repeat. */
  systemPrompt?: string;
  /** What the end of the answer waits for beyond the disk, and how long; unset: nothing. */
  record?: { level: 'durable' | 'checkpointed'; waitMs?: number | undefined };
}

export interface Answer {
  /** The engine and the model that spoke. */
  engine: string;
  model: string;
  finishReason: 'stop' | 'length' | 'content_filter';
  usage?: { prompt_tokens: number; completion_tokens: number };
  /** Why the guard cut the answer. */
  reasons: GuardReason[];
  receipt: Receipt | CheckpointedReceipt;
}

/** `begin` names the model that is about to speak, once, before its first text. */
export type AnswerEvent =
  | { type: 'begin'; engine: string; model: string }
  | { type: 'delta'; text: string }
  | { type: 'done'; answer: Answer };

interface Attempt {
  candidate: Candidate;
  started: boolean;
  text: string;
  cut: GuardResult | undefined;
  firstAtMs: number | undefined;
  /** The model that the engine says is speaking. */
  claimed: string | undefined;
}

type Ending = Extract<PromptEvent, { type: 'done' }>;

/**
 * Takes a question through guard, admission, breaker, sandbox, guard and ledger. Yields the answer as it comes; `done` carries the
 * receipt and is yielded only when the event is durable. Until the first text the next engine of the chain is tried; after it, a
 * failure is thrown, so that no broken answer looks complete.
 */
export class Pipeline {
  readonly #context: ModuleContext;
  readonly #brief: (question: string) => Promise<NavigatorBrief>;

  constructor(context: ModuleContext, brief: (question: string) => Promise<NavigatorBrief>) {
    this.#context = context;
    this.#brief = brief;
  }

  /** @throws AppError with what went wrong; what was asked and refused or failed is recorded before. */
  async *ask(question: Question): AsyncGenerator<AnswerEvent> {
    const startedMs = this.#context.clock.monotonicMs();
    this.#takeToken(question.client, startedMs);
    this.#refuseUnrecordable();
    const flagged = await this.#screen(question);
    const skipped: { engine: string; cause: string }[] = [];
    try {
      yield* this.#tryChain(question, startedMs, flagged, skipped);
    } catch (thrown) {
      // Whatever else failed on the way, a request whose client has gone or that the shutdown cancelled is just that.
      const { error, cause } = treat(question.signal.aborted ? new SandboxError('aborted', givenUp) : thrown);
      await this.#recordFailure(question, error, cause, skipped);
      throw error;
    }
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

  /** Judges what people and tools wrote. Returns the ids of the rules that flagged it. */
  async #screen(question: Question): Promise<string[]> {
    const { guard, config, ledger } = this.#context;
    const results = question.messages
      .filter((message) => message.role === 'user' || message.role === 'tool')
      .map((message) => ({ text: message.content, result: guard.checkPrompt(message.content) }));
    const rules = [...new Set(results.flatMap(({ result }) => result.reasons.map((reason) => reason.rule)))];
    const refused = results.find(({ result }) => result.verdict === 'refuse');
    if (refused === undefined || config.guard.mode === 'observe') return rules;
    const receipt = await ledger.append({
      type: 'prompt_refused',
      module: 'assistantia',
      correlationId: question.requestId,
      data: { rules: refused.result.reasons.map((reason) => reason.rule), chars: refused.text.length },
      texts: { prompt: refused.text, ...personTexts(question) },
    });
    const reasons = refused.result.reasons.map(({ rule, en, fr, span }) => ({ rule, en, fr, span }));
    throw new AppError(
      'prompt_refused',
      `The guard refused the prompt: ${reasons.map((reason) => reason.en).join(' ')}`,
      {
        details: { reasons, receipt },
      },
    );
  }

  async *#tryChain(
    question: Question,
    startedMs: number,
    flagged: string[],
    skipped: { engine: string; cause: string }[],
  ): AsyncGenerator<AnswerEvent> {
    let last: Failure | undefined;
    for (const candidate of await this.#chain(question)) {
      const attempt: Attempt = {
        candidate,
        started: false,
        text: '',
        cut: undefined,
        firstAtMs: undefined,
        claimed: undefined,
      };
      try {
        const ending = yield* this.#attempt(question, attempt, startedMs);
        yield {
          type: 'done',
          answer: await this.#record(question, attempt, ending, { startedMs, flagged, skipped }),
        };
        return;
      } catch (thrown) {
        const failure = treat(thrown);
        const mayGoOn =
          failure.next || ['queue_full', 'degraded', 'engine_unavailable'].includes(failure.error.code);
        if (attempt.started || !mayGoOn || question.signal.aborted) throw thrown;
        skipped.push({ engine: candidate.engine, cause: failure.cause });
        last = failure;
      }
    }
    throw last?.error ?? this.#nothingThere();
  }

  /** The chain of the request; engines are asked again once when it cannot be resolved from what was last seen. */
  async #chain(question: Question): Promise<Candidate[]> {
    const { prompts, config, degradation } = this.#context;
    const resolve = () => {
      const engines = prompts.engines();
      const { order } = config.engines;
      const chain = resolveChain(question, { engines, order, aliases: config.aliases });
      return smallerModels(chain, question, {
        limits: degradation.limits(),
        config: config.engines,
        engines,
      });
    };
    try {
      const chain = resolve();
      if (chain.length > 0) return chain;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
    await prompts.refreshEngines();
    return resolve();
  }

  #nothingThere(): AppError {
    const problems = this.#context.prompts
      .engines()
      .filter((engine) => engine.state !== 'found')
      .map((engine) => `${engine.name}: ${(engine.problem ?? engine.state).replace(/\.$/, '')}`);
    return new AppError(
      'engine_unavailable',
      `No engine can answer this. ${problems.join('; ')}. Start Ollama or llama.cpp, put a GGUF file into the models folder, or name the model "arkalia" for the built-in assistant.`,
    );
  }

  async *#attempt(
    question: Question,
    attempt: Attempt,
    startedMs: number,
  ): AsyncGenerator<AnswerEvent, Ending | undefined> {
    const { admission, breakers, clock, config } = this.#context;
    const { engine } = attempt.candidate;
    const breaker = breakers.get(engine);
    const open = breaker.snapshot();
    if (open.state === 'forced_open') throw takenOut(engine, config.breaker.open_ms);
    if (open.state === 'open' && (open.retry_after_ms ?? 0) > 0)
      throw breakerOpen(engine, open.retry_after_ms!);
    const deadlineMs = startedMs + config.assistantia.deadline_ms;
    const job = await this.#job(question, attempt.candidate);
    const slot = await admission.admit(engine, {
      client: question.client,
      deadlineMs,
      signal: question.signal,
    });
    let ended: SlotOutcome = 'ignored';
    try {
      const permit = breaker.acquire();
      if (!permit.ok) throw breakerOpen(engine, permit.retryAfterMs);
      const beganMs = clock.monotonicMs();
      let outcome: 'success' | 'failure' | 'ignored' = 'ignored';
      try {
        const timeoutMs = Math.max(1, deadlineMs - clock.monotonicMs());
        const ending = yield* this.#listen(question, attempt, job, timeoutMs, () => slot.began());
        outcome = 'success';
        ended = 'success';
        return ending;
      } catch (thrown) {
        const failure = treat(thrown);
        outcome = failure.outcome;
        ended = slotOutcome(failure);
        throw thrown;
      } finally {
        // A long answer is not a slow one: what counts is when it began.
        breaker.record(permit.permit, outcome, (attempt.firstAtMs ?? clock.monotonicMs()) - beganMs);
      }
    } finally {
      slot.release(ended);
    }
  }

  async #job(question: Question, { engine, model }: Candidate): Promise<PromptJob> {
    const { messages, sampling } = question;
    const limits = this.#context.degradation.limits();
    if (engine !== 'navigator') {
      return { engine, model, ...reducedPrompt({ messages, sampling }, limits) };
    }
    const asked = messages.findLast((message) => message.role === 'user')?.content ?? '';
    const brief = await this.#brief(asked);
    return {
      engine,
      model,
      messages,
      sampling,
      brief: limits.passages ? brief : { ...brief, passages: [] },
    };
  }

  /** Lets the sandbox work and passes on what the guard releases. Returns undefined when the guard cut the answer. */
  async *#listen(
    question: Question,
    attempt: Attempt,
    job: PromptJob,
    timeoutMs: number,
    began: () => void,
  ): AsyncGenerator<AnswerEvent, Ending | undefined> {
    const { guard, prompts, clock, config } = this.#context;
    const watch = guard.watchOutput({
      systemPrompt: question.systemPrompt,
      observe: config.guard.mode === 'observe',
    });
    for await (const event of prompts.run(job, { timeoutMs, signal: question.signal })) {
      began();
      attempt.claimed = event.model ?? attempt.claimed;
      const step = event.type === 'delta' ? watch.push(event.text) : watch.finish();
      if (step.release !== '') {
        if (!attempt.started) yield { type: 'begin', ...this.#spoke(attempt) };
        attempt.started = true;
        attempt.firstAtMs ??= clock.monotonicMs();
        attempt.text += step.release;
        yield { type: 'delta', text: step.release };
      }
      if (step.cut !== undefined) {
        attempt.cut = step.cut;
        if (config.guard.mode === 'enforce') return undefined;
      }
      if (event.type === 'done') return event;
    }
    throw new AppError('internal', 'The sandbox ended without an ending.');
  }

  async #record(
    question: Question,
    attempt: Attempt,
    ending: Ending | undefined,
    about: { startedMs: number; flagged: string[]; skipped: { engine: string; cause: string }[] },
  ): Promise<Answer> {
    const { clock, ledger } = this.#context;
    const { engine, model } = this.#spoke(attempt);
    const finishReason = ending === undefined ? 'content_filter' : ending.finishReason;
    const asked = question.messages.findLast((message) => message.role === 'user')?.content ?? '';
    const data: JsonObject = {
      engine,
      model,
      finish_reason: finishReason,
      took_ms: Math.round(clock.monotonicMs() - about.startedMs),
      prompt_chars: asked.length,
      answer_chars: attempt.text.length,
      flagged: about.flagged,
      cut: attempt.cut?.reasons.map((reason) => reason.rule) ?? [],
      skipped: about.skipped,
    };
    if (attempt.firstAtMs !== undefined) data.first_text_ms = Math.round(attempt.firstAtMs - about.startedMs);
    if (ending?.usage !== undefined) data.usage = { ...ending.usage };
    const durable = await ledger.append({
      type: 'chat_answered',
      module: 'assistantia',
      correlationId: question.requestId,
      data,
      texts: { prompt: asked, answer: attempt.text, ...personTexts(question) },
    });
    const { level, waitMs } = question.record ?? { level: 'durable' };
    const { receipt } = await reach(ledger, durable, { level, waitMs });
    return {
      engine,
      model,
      finishReason,
      usage: ending?.usage,
      reasons: attempt.cut?.reasons ?? [],
      receipt,
    };
  }

  /**
   * The model that spoke: the one that the engine says, if it is one that it lists; else the one that was asked. So nothing that an
   * engine makes up gets into the log.
   */
  #spoke({ candidate: { engine, model }, claimed }: Attempt): { engine: Candidate['engine']; model: string } {
    const listed = this.#context.prompts.engines().find((view) => view.name === engine)?.models ?? [];
    return { engine, model: claimed !== undefined && listed.includes(claimed) ? claimed : model };
  }

  /** A prompt that failed is an event too; one refused for load is not, or a flood of requests would become a flood of writes. */
  async #recordFailure(
    question: Question,
    error: AppError,
    cause: string,
    skipped: { engine: string; cause: string }[],
  ): Promise<void> {
    if (['queue_full', 'ledger_unavailable', 'system_reboot_required'].includes(error.code)) return;
    try {
      await this.#context.ledger.append({
        type: 'chat_failed',
        module: 'assistantia',
        correlationId: question.requestId,
        data: { code: error.code, cause, skipped },
        texts: personTexts(question),
      });
    } catch (failed) {
      this.#context.log.error(
        { err: failed, request_id: question.requestId },
        'a failed prompt could not be recorded',
      );
    }
  }
}

const givenUp = 'The request was given up: its client has gone, or the appliance is stopping.';

/** By what the texts of a person are found when they are to be erased. */
function personTexts({ session, client }: Question): Record<string, string> {
  return {
    ...(session === undefined ? {} : { session }),
    ...(client.startsWith('key:') ? { key: client.slice('key:'.length) } : {}),
  };
}

function takenOut(engine: string, retryAfterMs: number): AppError {
  return new AppError('engine_unavailable', `An operator has taken the engine ${engine} out of use.`, {
    retryAfterMs,
  });
}

function breakerOpen(engine: string, retryAfterMs: number): AppError {
  return new AppError('engine_unavailable', `The engine ${engine} failed repeatedly and is given a rest.`, {
    retryAfterMs,
  });
}
