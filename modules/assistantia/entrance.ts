import { AppError } from '../../runtime/contracts/errors.js';
import type { NewClaim } from '../../runtime/contracts/idempotency.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { EngineRequest } from './question.js';
import type { Course, Records } from './records.js';

/** What a request must pass before an engine is asked: the client's rate of prompts, a ledger that records, the guard. */
export class Entrance {
  readonly #context: ModuleContext;
  readonly #records: Records;

  constructor(context: ModuleContext, records: Records) {
    this.#context = context;
    this.#records = records;
  }

  /** @throws AppError `rate_limited`, `ledger_unavailable` or `prompt_refused`; the last is recorded before. */
  async pass(
    request: EngineRequest,
    texts: readonly string[],
    at: Pick<Course, 'askedMs' | 'claim'>,
  ): Promise<Course> {
    const startedMs = this.#context.clock.monotonicMs();
    this.#takeToken(request.client, startedMs);
    this.refuseUnrecordable();
    return { ...at, startedMs, flagged: await this.#screen(request, texts, at.claim), skipped: [] };
  }

  #takeToken(client: string, nowMs: number): void {
    const verdict = this.#context.rate.prompts.take(client, nowMs);
    if (verdict.ok) return;
    throw new AppError('rate_limited', 'Too many prompts; see limits.prompts_per_minute.', {
      retryAfterMs: verdict.retryAfterMs,
    });
  }

  /** What could not be recorded is not even asked: an answer that must be kept back would only load the engine. */
  refuseUnrecordable(): void {
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
  async #screen(
    request: EngineRequest,
    texts: readonly string[],
    claim: NewClaim | undefined,
  ): Promise<string[]> {
    const { guard, config } = this.#context;
    const results = texts.map((text) => ({ text, result: guard.checkPrompt(text) }));
    const rules = [...new Set(results.flatMap(({ result }) => result.reasons.map((reason) => reason.rule)))];
    const refused = results.find(({ result }) => result.verdict === 'refuse');
    if (refused === undefined || config.guard.mode === 'observe') return rules;
    const reasons = refused.result.reasons.map(({ rule, en, fr, span }) => ({ rule, en, fr, span }));
    const refusal = new AppError(
      'prompt_refused',
      `The guard refused the prompt: ${reasons.map((reason) => reason.en).join(' ')}`,
      { details: { reasons } },
    );
    const { text, result } = refused;
    const cited = result.reasons.map((reason) => reason.rule);
    const receipt = await this.#records.refused(request, claim, { text, rules: cited, refusal });
    throw new AppError('prompt_refused', refusal.message, { details: { reasons, receipt } });
  }
}
