import type { Degradation, LevelChange } from '../../../runtime/contracts/device.js';
import { type Check, type Finding, ok } from './check.js';

/**
 * The level in force is the one last announced. A change is told and applied in one step or two, so a difference counts only when
 * it is seen by two comparisons with no announcement between them.
 */
export class LevelInForce implements Check {
  readonly name = 'level_in_force';
  readonly kind = 'data_consistency';
  readonly about = 'The degradation level in force is the one of the last change announced.';
  readonly #degradation: Pick<Degradation, 'level'>;
  #announced: string;
  #brokenChain: LevelChange | undefined;
  #differed = false;

  constructor(degradation: Pick<Degradation, 'level'>) {
    this.#degradation = degradation;
    this.#announced = degradation.level();
  }

  levelChanged(change: LevelChange): void {
    if (change.from !== this.#announced) this.#brokenChain ??= change;
    this.#announced = change.to;
    this.#differed = false;
  }

  compare(): Finding {
    const inForce = this.#degradation.level();
    const chain = this.#brokenChain;
    this.#brokenChain = undefined;
    if (chain !== undefined) {
      return {
        level: 'warning',
        fault: 'announcement_missing',
        evidence: { from: chain.from, to: chain.to, in_force: inForce },
      };
    }
    const differedBefore = this.#differed;
    this.#differed = inForce !== this.#announced;
    if (!this.#differed || !differedBefore) return ok;
    return {
      level: 'critical',
      fault: 'level_differs',
      evidence: { announced: this.#announced, in_force: inForce },
    };
  }
}
