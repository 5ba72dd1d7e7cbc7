import { z } from 'zod';
import type { ModuleHealth } from '../../contracts/module.js';
import type { Check, Issue } from '../check.js';

/** Modules of which a part is set aside while they are in quarantine. */
const held: ReadonlySet<string> = new Set(['zeroia', 'reflexia', 'assistantia']);
/** A quarantine prolonged so often has lasted a quarter of an hour. */
const retriesMax = 3;

const shape = z.object({
  quarantined: z.array(
    z.object({ module: z.string(), check: z.string(), fault: z.string(), retries: z.number() }),
  ),
});

/**
 * No quarantine that needs a person: one of a module that cannot be set aside, such as the door, and one that does not end by itself.
 * Sandozia tells them in its facts; where it does not run, nobody is held.
 */
export class AccountsAgree implements Check {
  readonly name = 'accounts_agree';
  readonly about = 'What the modules say agrees, or will soon agree again.';
  readonly #healths: () => Record<string, ModuleHealth>;

  constructor(healths: () => Record<string, ModuleHealth>) {
    this.#healths = healths;
  }

  run(): Issue[] {
    const { data } = shape.safeParse(this.#healths().sandozia?.facts);
    return (data?.quarantined ?? [])
      .filter(({ module, retries }) => !held.has(module) || retries >= retriesMax)
      .map(({ module, check, fault }) => ({
        target: module,
        class: 'integrity',
        problem: `What ${module} says does not agree (${check} found ${fault})${
          held.has(module) ? ', and has not for a quarter of an hour' : ', and it cannot be set aside'
        }. Look at GET /sandozia/validations and the log; a restart is worth a try.`,
        fixups: {},
      }));
  }
}
