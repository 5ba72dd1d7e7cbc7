import { Counter, type Registry } from 'prom-client';
import type { Retries, RetryCounts } from '../contracts/retries.js';
import { RetryBudget } from './budget.js';

const share = 0.2;
/** Second tries that may be saved up while all is well. */
const reserve = 10;

/**
 * A token bucket after Finagle's retry budget (https://twitter.github.io/finagle/guide/Clients.html#retries): each prompt puts a fifth in, a
 * second try takes one out. It begins empty, and nothing is put in by time, so that second tries are never more than a fifth of the
 * prompts.
 */
export class PromptRetries implements Retries {
  readonly #budget = new RetryBudget(share, reserve, 0);
  readonly #counts: RetryCounts = { asked: 0, retried: 0, refused: 0 };

  constructor(metrics: Registry) {
    const counts = this.#counts;
    const helps = {
      asked: 'Prompts that were taken along their chain of engines',
      retried: 'Second tries of prompts, at most a fifth of them',
      refused: 'Second tries of prompts that were not made because too many were',
    } as const;
    for (const [name, help] of Object.entries(helps) as [keyof RetryCounts, string][]) {
      new Counter({
        name: `arkalia_prompts_${name}_total`,
        help,
        registers: [metrics],
        collect() {
          this.reset();
          this.inc(counts[name]);
        },
      });
    }
  }

  asked(): void {
    this.#counts.asked += 1;
    this.#budget.earn();
  }

  mayRetry(): boolean {
    const may = this.#budget.spend();
    this.#counts[may ? 'retried' : 'refused'] += 1;
    return may;
  }

  counts(): RetryCounts {
    return { ...this.#counts };
  }
}
