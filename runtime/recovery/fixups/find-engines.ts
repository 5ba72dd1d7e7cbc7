import type { PromptRunner } from '../../contracts/sandbox.js';
import type { Fixup } from '../check.js';

/** Asks every engine again whether it is there. */
export class FindEngines implements Fixup {
  readonly name = 'find_engines';
  readonly #prompts: Pick<PromptRunner, 'refreshEngines'>;

  constructor(prompts: Pick<PromptRunner, 'refreshEngines'>) {
    this.#prompts = prompts;
  }

  async apply(): Promise<void> {
    await this.#prompts.refreshEngines();
  }
}
