import { AppError } from '../../runtime/contracts/errors.js';
import type { ModuleContext } from '../../runtime/contracts/module.js';
import type { Part } from './guard/parts.js';
import type { Screen } from './guard/screen.js';
import { admitByBudget } from './key-limits.js';
import type { EngineRequest } from './question.js';
import type { Course } from './records.js';

/** What a request must pass before an engine is asked: the client's rate of prompts, a ledger that records, the guard. */
export class Entrance {
  readonly #context: ModuleContext;
  readonly #screen: Screen;

  constructor(context: ModuleContext, screen: Screen) {
    this.#context = context;
    this.#screen = screen;
  }

  /**
   * `tools`: whether the model can use some.
   * @throws AppError `rate_limited`, `ledger_unavailable` or `prompt_refused`; the last is recorded before.
   */
  async pass(
    request: EngineRequest,
    parts: readonly Part[],
    { askedMs, claim, tools }: Pick<Course, 'askedMs' | 'claim'> & { tools: boolean },
  ): Promise<Course> {
    const startedMs = this.#context.clock.monotonicMs();
    this.#takeToken(request.client, startedMs);
    admitByBudget(this.#context.access.meter, request);
    this.refuseUnrecordable();
    const flagged = await this.#screen.check(request, parts, { claim, tools });
    return { askedMs, claim, startedMs, flagged, skipped: [] };
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
}
