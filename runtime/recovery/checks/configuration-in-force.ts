import type { RolledBack } from '../../contracts/configuration.js';
import type { Check, Issue } from '../check.js';

/** The configuration that was given is the one in force. */
export class ConfigurationInForce implements Check {
  readonly name = 'configuration_in_force';
  readonly about = 'The configuration that was given is the one in force.';
  readonly #rolledBack: RolledBack | undefined;

  constructor(rolledBack: RolledBack | undefined) {
    this.#rolledBack = rolledBack;
  }

  run(): Issue[] {
    if (this.#rolledBack === undefined) return [];
    const { version, backTo, why } = this.#rolledBack;
    return [
      {
        target: 'configuration',
        class: 'integrity',
        problem: `The configuration ${version ?? 'that was given'} was undone: ${why.replace(/\.$/, '')}. The one before it (${backTo}) is in force. Correct what was changed and restart; the same is not tried again while configurations.json in the data folder names it.`,
        fixups: {},
      },
    ];
  }
}
