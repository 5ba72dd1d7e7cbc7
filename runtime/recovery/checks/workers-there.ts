import type { PromptRunner } from '../../contracts/sandbox.js';
import type { Check, Fixup, Issue } from '../check.js';

/** There is a sandboxed worker, or one is starting. */
export class WorkersThere implements Check {
  readonly name = 'workers_there';
  readonly about = 'A sandboxed worker runs or starts.';
  readonly #prompts: Pick<PromptRunner, 'status'>;
  readonly #wait: Fixup;

  constructor(prompts: Pick<PromptRunner, 'status'>, wait: Fixup) {
    this.#prompts = prompts;
    this.#wait = wait;
  }

  run(): Issue[] {
    const { idle, busy, starting } = this.#prompts.status().workers;
    if (idle + busy + starting > 0) return [];
    return [
      {
        target: 'sandbox',
        class: 'transient',
        problem: 'No sandboxed worker runs, so no prompt is answered. "arkalia doctor" looks at the sandbox.',
        fixups: { exponential_backoff: this.#wait },
      },
    ];
  }
}
