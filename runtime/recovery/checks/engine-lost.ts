import type { EngineView, PromptRunner } from '../../contracts/sandbox.js';
import type { Check, Fixup, Issue } from '../check.js';

/** An engine that was there is still there. One that never was is a matter of configuration, not an issue. */
export class EngineLost implements Check {
  readonly name = 'engine_lost';
  readonly about = 'Every engine that was found since the start is still there.';
  readonly #prompts: Pick<PromptRunner, 'engines'>;
  readonly #find: Fixup;
  readonly #known = new Set<EngineView['name']>();

  constructor(prompts: Pick<PromptRunner, 'engines'>, find: Fixup) {
    this.#prompts = prompts;
    this.#find = find;
    this.#remember();
  }

  run(): Issue[] {
    return this.#remember()
      .filter(({ name, state }) => state === 'absent' && this.#known.has(name))
      .map(({ name, problem = 'It does not answer.' }) => ({
        target: name,
        class: 'transient',
        problem: `The engine ${name} was there and is gone. ${problem}`,
        fixups: { immediate_retry: this.#find, exponential_backoff: this.#find },
      }));
  }

  /** One that is lost before the first look is missed too. */
  #remember(): EngineView[] {
    const engines = this.#prompts.engines();
    for (const { name, state } of engines) if (state === 'found') this.#known.add(name);
    return engines;
  }
}
