import { AppError } from '../../../runtime/contracts/errors.js';
import type { GuardAction, GuardJudgement, SecondOpinion } from '../../../runtime/contracts/guard.js';
import { keyIdOf } from '../../../runtime/contracts/http.js';
import type { NewClaim } from '../../../runtime/contracts/idempotency.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { EngineRequest } from '../question.js';
import type { Records } from '../records.js';
import type { Part } from './parts.js';
import { Repeats } from './repeats.js';

/** Judges what comes in before an engine is asked, and does with it what the key, the route or the configuration says. */
export class Screen {
  readonly #context: ModuleContext;
  readonly #records: Records;
  readonly #repeats: Repeats;

  constructor(context: ModuleContext, records: Records) {
    this.#records = records;
    this.#context = context;
    this.#repeats = new Repeats(context.config.guard.repeats_per_minute);
  }

  /** What the key's setting says, else the route's, else the configuration. */
  actionFor({ client, route }: Pick<EngineRequest, 'client' | 'route'>): GuardAction {
    const { mode, keys, routes } = this.#context.config.guard;
    const key = keyIdOf(client);
    return (key === null ? undefined : keys[key]) ?? routes[route] ?? mode;
  }

  /**
   * Ids of the rules that flagged a part. @throws AppError `prompt_refused`, recorded; `rate_limited` for a prompt that came too often;
   * as the guard does for texts that are too long or too many.
   */
  async check(
    request: EngineRequest,
    parts: readonly Part[],
    { claim, tools }: { claim: NewClaim | undefined; tools: boolean },
  ): Promise<string[]> {
    const { guard, clock } = this.#context;
    const texts = parts.map(({ text }) => text);
    const waitMs = this.#repeats.take(request.client, texts, clock.monotonicMs());
    if (waitMs > 0) {
      throw new AppError(
        'rate_limited',
        'The same prompt came too often within a minute; see guard.repeats_per_minute.',
        { retryAfterMs: waitMs },
      );
    }
    const action = this.actionFor(request);
    if (action === 'off') return [];
    const rules = new Set<string>();
    for (const { text, mode } of parts) {
      const judgement = await guard.detect(text, { mode, tools });
      if (judgement.verdict === 'refuse' && action === 'enforce')
        await this.#refuse(request, claim, { text, judgement });
      for (const { rule } of judgement.reasons) rules.add(rule);
      const { second } = judgement;
      if (second !== undefined) rules.add(opinionOf(second));
    }
    return [...rules];
  }

  /** Judges what a tool brought: ids of the rules that found something, and whether it must not be read on. */
  async judgeOutput(
    request: Pick<EngineRequest, 'client' | 'route'>,
    text: string,
  ): Promise<{ rules: string[]; refused: boolean }> {
    const action = this.actionFor(request);
    if (action === 'off') return { rules: [], refused: false };
    const { verdict, reasons } = await this.#context.guard.detect(text, { mode: 'document', tools: true });
    return { rules: reasons.map(({ rule }) => rule), refused: verdict === 'refuse' && action === 'enforce' };
  }

  async #refuse(
    request: EngineRequest,
    claim: NewClaim | undefined,
    found: { text: string; judgement: GuardJudgement },
  ): Promise<never> {
    const reasons = found.judgement.reasons.map(({ rule, en, fr, span }) => ({ rule, en, fr, span }));
    const message = `The guard refused the prompt: ${reasons.map(({ en }) => en).join(' ')}`;
    const refusal = new AppError('prompt_refused', message, { details: { reasons } });
    const receipt = await this.#records.refused(request, claim, { ...found, refusal });
    throw new AppError('prompt_refused', message, { details: { reasons, receipt } });
  }
}

/** What is recorded of a second opinion on a prompt that passed. */
function opinionOf(second: SecondOpinion): string {
  if ('failed' in second) return 'second-opinion-failed';
  return second.probability < second.threshold ? 'second-opinion-clear' : 'second-opinion';
}
