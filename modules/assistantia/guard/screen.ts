import { AppError } from '../../../runtime/contracts/errors.js';
import type { GuardAction, GuardJudgement } from '../../../runtime/contracts/guard.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { Part } from './parts.js';
import { Repeats } from './repeats.js';

/** Of a request, what decides how it is judged and what is recorded of it. */
export interface ScreenRequest {
  /** `key:<id>` for a caller with a key. */
  client: string;
  requestId: string;
  /** Path of the route that it came through. */
  route?: string | undefined;
  /** Names by which the texts are found when they are to be erased. */
  texts: Record<string, string>;
  /** Whether the model can use tools. */
  tools: boolean;
}

/** Judges what comes in before an engine is asked, and does with it what the key, the route or the configuration says. */
export class Screen {
  readonly #context: ModuleContext;
  readonly #repeats: Repeats;

  constructor(context: ModuleContext) {
    this.#context = context;
    this.#repeats = new Repeats(context.config.guard.repeats_per_minute);
  }

  /** What the key's setting says, else the route's, else the configuration. */
  actionFor({ client, route }: { client: string; route?: string | undefined }): GuardAction {
    const { mode, keys, routes } = this.#context.config.guard;
    const key = client.startsWith('key:') ? client.slice('key:'.length) : '';
    return keys[key] ?? routes[route ?? ''] ?? mode;
  }

  /**
   * Ids of the rules that flagged a part. @throws AppError `prompt_refused`, recorded; `rate_limited` for a prompt that came too often;
   * as the guard does for texts that are too long or too many.
   */
  async check(request: ScreenRequest, parts: readonly Part[]): Promise<string[]> {
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
      const judgement = await guard.detect(text, { mode, tools: request.tools });
      if (judgement.verdict === 'refuse' && action === 'enforce')
        await this.#refuse(request, text, judgement);
      for (const { rule } of judgement.reasons) rules.add(rule);
    }
    return [...rules];
  }

  async #refuse(request: ScreenRequest, text: string, judgement: GuardJudgement): Promise<never> {
    const { score, threshold, mode, level, model } = judgement;
    const reasons = judgement.reasons.map(({ rule, en, fr, span }) => ({ rule, en, fr, span }));
    const receipt = await this.#context.ledger.append({
      type: 'prompt_refused',
      module: 'assistantia',
      correlationId: request.requestId,
      data: {
        ...{ rules: reasons.map(({ rule }) => rule), chars: text.length },
        ...{ mode, level, score, threshold, model },
      },
      texts: { prompt: text, ...request.texts },
    });
    throw new AppError(
      'prompt_refused',
      `The guard refused the prompt: ${reasons.map(({ en }) => en).join(' ')}`,
      { details: { reasons, receipt } },
    );
  }
}
