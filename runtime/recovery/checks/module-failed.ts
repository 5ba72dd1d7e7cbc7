import type { ModuleHealth } from '../../contracts/module.js';
import type { Check, Fixup, Issue } from '../check.js';

/** No module calls itself failed. */
export class ModuleFailed implements Check {
  readonly name = 'module_failed';
  readonly about = 'Every module runs.';
  readonly #healths: () => Record<string, ModuleHealth>;
  readonly #restart: (module: string) => Fixup;

  constructor(healths: () => Record<string, ModuleHealth>, restart: (module: string) => Fixup) {
    this.#healths = healths;
    this.#restart = restart;
  }

  run(): Issue[] {
    return Object.entries(this.#healths())
      .filter(([, { state }]) => state === 'failed')
      .map(([name, { problem = 'It does not say why.' }]) => ({
        target: name,
        class: 'permanent',
        problem: `The module ${name} has failed. ${problem}`,
        fixups: { restart: this.#restart(name) },
      }));
  }
}
