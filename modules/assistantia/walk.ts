import type { Slot, SlotOutcome, WaitPlace } from '../../runtime/contracts/admission.js';
import type { SetTimer } from '../../runtime/contracts/clock.js';
import { AppError } from '../../runtime/contracts/errors.js';
import { keyIdOf } from '../../runtime/contracts/http.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { PromptEvent, PromptJob } from '../../runtime/contracts/sandbox.js';
import { type Candidate, resolveChain } from './chain.js';
import { EngineRests } from './engine-rests.js';
import { type Failure, slotOutcome, treat } from './failures.js';
import { allowedChain } from './key-limits.js';
import type { OwnQuarantine } from './own-quarantine.js';
import type { EngineRequest } from './question.js';
import { smallerModels } from './reduced.js';

/** One try with one engine. */
export interface Attempt {
  candidate: Candidate;
  /** Something of the answer went to the client: no other engine may be tried. */
  started: boolean;
  /** When the answer began, as the client sees it. */
  firstAtMs: number | undefined;
  /** The model that the engine says is speaking. */
  claimed: string | undefined;
}

/** An engine that was passed over, and why. */
export interface Skipped {
  engine: string;
  cause: string;
}

export interface WalkRequest<Event, Result> extends EngineRequest {
  startedMs: number;
  /** Filled with the engines that were passed over. */
  skipped: Skipped[];
  /** The job for a candidate. */
  prepare(candidate: Candidate): PromptJob | Promise<PromptJob>;
  /** Words the place in a queue for the client; absent: it is not told. */
  waiting?: ((place: WaitPlace) => Event) | undefined;
  /** Takes in what the engine says, until it is complete. */
  listen(attempt: Attempt, events: AsyncIterable<PromptEvent>): AsyncGenerator<Event, Result>;
}

/** Codes of our own refusals after which the next engine may be tried. */
const passedOver = ['queue_full', 'degraded', 'engine_unavailable'];

/**
 * Takes a request along the engines of its chain: admission, breaker, sandbox. The next engine is tried when one fails, as long as
 * nothing was sent to the client.
 */
export class EngineWalk {
  readonly #context: ModuleContext;
  readonly #rests: EngineRests;

  readonly #quarantine: OwnQuarantine;

  constructor(context: ModuleContext, quarantine: OwnQuarantine) {
    this.#context = context;
    this.#quarantine = quarantine;
    this.#rests = new EngineRests(context.clock);
  }

  /** @throws AppError or SandboxError with what the last engine failed of. */
  async *go<Event, Result>(
    request: WalkRequest<Event, Result>,
  ): AsyncGenerator<Event, { attempt: Attempt; result: Result }> {
    const { retries } = this.#context;
    retries.asked();
    let last: Failure | undefined;
    const chain = await this.#chain(request);
    const lost = new Set<Candidate>();
    for (let place = 0; place < chain.length; place++) {
      const candidate = chain[place]!;
      const attempt: Attempt = { candidate, started: false, firstAtMs: undefined, claimed: undefined };
      try {
        return { attempt, result: yield* this.#attempt(request, attempt) };
      } catch (thrown) {
        const failure = treat(thrown);
        // A worker that died says nothing about engine or prompt: once more, unless that has become a storm.
        const isLost = failure.cause === 'crashed' && !lost.has(candidate);
        if (isLost && !attempt.started && !request.signal.aborted && retries.mayRetry()) {
          lost.add(candidate);
          place -= 1;
          continue;
        }
        const mayGoOn = failure.next || passedOver.includes(failure.error.code);
        if (attempt.started || !mayGoOn || request.signal.aborted) throw thrown;
        request.skipped.push({ engine: candidate.engine, cause: failure.cause });
        last = failure;
      }
    }
    throw last?.error ?? this.#nothingThere();
  }

  /**
   * The model that spoke: the one that the engine says, if it is one that it lists; else the one that was asked. So nothing that an
   * engine makes up gets into the log.
   */
  spoke({ candidate: { engine, model }, claimed }: Attempt): { engine: Candidate['engine']; model: string } {
    const listed = this.#context.prompts.engines().find((view) => view.name === engine)?.models ?? [];
    return { engine, model: claimed !== undefined && listed.includes(claimed) ? claimed : model };
  }

  /** The chain of the request; engines are asked again once when it cannot be resolved from what was last seen. */
  async #chain(request: EngineRequest): Promise<Candidate[]> {
    const { prompts, config, degradation } = this.#context;
    const resolve = () => {
      const engines = prompts.engines();
      const { order } = config.engines;
      const chain = resolveChain(request, { engines, order, aliases: config.aliases });
      const smaller = smallerModels(chain, request, {
        limits: degradation.limits(),
        config: config.engines,
        engines,
      });
      return allowedChain(smaller, request);
    };
    try {
      const chain = resolve();
      if (chain.length > 0) return chain;
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'forbidden') throw error;
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

  /** Waits for a slot, and tells the place in the queue where the request wants it. */
  async *#admit<Event, Result>(
    engine: string,
    { client, signal, waiting }: WalkRequest<Event, Result>,
    deadlineMs: number,
  ): AsyncGenerator<Event, Slot> {
    const { admission, config, setTimer } = this.#context;
    let place: (() => WaitPlace) | undefined;
    const onWait = (look: () => WaitPlace) => {
      place = look;
    };
    const admitted = admission.admit(engine, { client, deadlineMs, signal, onWait });
    if (waiting === undefined) return admitted;
    let slot: Slot | undefined;
    let isTold = false;
    let isTaken = false;
    try {
      while (slot === undefined) {
        const { over, clear } = pause(setTimer, config.assistantia.place_ms);
        slot = await Promise.race([admitted, over]).finally(clear);
        if (slot !== undefined || place === undefined) continue;
        isTold = true;
        yield waiting(place());
      }
      if (isTold) yield waiting({ position: 0 });
      isTaken = true;
      return slot;
    } finally {
      // Nobody listens any more: what is given later goes back, and a refusal concerns nobody.
      if (!isTaken) {
        admitted.then(
          (late) => late.release(),
          () => undefined,
        );
      }
    }
  }

  async *#attempt<Event, Result>(
    request: WalkRequest<Event, Result>,
    attempt: Attempt,
  ): AsyncGenerator<Event, Result> {
    const { breakers, clock, config, prompts } = this.#context;
    const { engine } = attempt.candidate;
    this.#quarantine.check(engine);
    const breaker = breakers.get(engine);
    const open = breaker.snapshot();
    if (open.state === 'forced_open') throw takenOut(engine, config.breaker.open_ms);
    if (open.state === 'open' && (open.retry_after_ms ?? 0) > 0)
      throw breakerOpen(engine, open.retry_after_ms!);
    const restMs = this.#rests.leftMs(engine);
    if (restMs > 0) throw askedForRest(engine, restMs);
    const deadlineMs = request.startedMs + config.assistantia.deadline_ms;
    const job = await request.prepare(attempt.candidate);
    const slot = yield* this.#admit(engine, request, deadlineMs);
    const { signal } = request;
    let ended: SlotOutcome = 'ignored';
    try {
      const permit = breaker.acquire();
      if (!permit.ok) throw breakerOpen(engine, permit.retryAfterMs);
      const beganMs = clock.monotonicMs();
      let outcome: 'success' | 'failure' | 'ignored' = 'ignored';
      try {
        const timeoutMs = Math.max(1, deadlineMs - beganMs);
        // Who has no key gets a worker of their own with sandbox.fresh.
        const run = { timeoutMs, signal, untrusted: keyIdOf(request.client) === null };
        const events = noticing(prompts.run(job, run), () => slot.began());
        const result = yield* request.listen(attempt, events);
        outcome = 'success';
        ended = 'success';
        return result;
      } catch (thrown) {
        const failure = treat(thrown);
        outcome = failure.outcome;
        ended = slotOutcome(failure);
        this.#rests.failed(engine, failure);
        throw thrown;
      } finally {
        // A long answer is not a slow one: what counts is when it began.
        breaker.record(permit.permit, outcome, (attempt.firstAtMs ?? clock.monotonicMs()) - beganMs);
      }
    } finally {
      slot.release(ended);
    }
  }
}

/** Resolves after the time; `clear` ends it early. */
function pause(setTimer: SetTimer, ms: number): { over: Promise<undefined>; clear(): void } {
  let clear = () => {};
  const over = new Promise<undefined>((resolve) => {
    clear = setTimer(() => resolve(undefined), ms);
  });
  return { over, clear: () => clear() };
}

async function* noticing<T>(source: AsyncIterable<T>, notice: () => void): AsyncGenerator<T> {
  for await (const one of source) {
    notice();
    yield one;
  }
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

function askedForRest(engine: string, retryAfterMs: number): AppError {
  return new AppError(
    'engine_unavailable',
    `The engine ${engine} has too much to do and asked to be left alone.`,
    {
      retryAfterMs,
    },
  );
}
