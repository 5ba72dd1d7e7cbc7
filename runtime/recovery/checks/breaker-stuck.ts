import type { Breakers } from '../../contracts/breaker.js';
import type { Check, Fixup, Issue } from '../check.js';

/** Openings in a row, each longer than the last, after which an engine is more than unwell. */
const growthsMax = 4;

/** No engine has failed probe after probe. Its breaker goes on probing all the same. */
export class BreakerStuck implements Check {
  readonly name = 'breaker_stuck';
  readonly about = 'No breaker has opened again and again.';
  readonly #breakers: Pick<Breakers, 'all'>;
  readonly #find: Fixup;

  constructor(breakers: Pick<Breakers, 'all'>, find: Fixup) {
    this.#breakers = breakers;
    this.#find = find;
  }

  run(): Issue[] {
    return this.#breakers
      .all()
      .filter(({ state, open_step }) => state === 'open' && open_step >= growthsMax)
      .map(({ name, open_step }) => ({
        target: name,
        class: 'transient',
        problem: `The engine ${name} fails each time it is tried (${open_step} times). Look at its log, or take it out of engines.order.`,
        fixups: { immediate_retry: this.#find },
      }));
  }
}
