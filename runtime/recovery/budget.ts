/**
 * Bounds repeats by what is done anyway: each first try earns a share, each repeat spends one. So repeats are never more than that share
 * of the first tries and a small reserve, whatever fails: a storm of failures is not multiplied.
 */
export class RetryBudget {
  readonly #share: number;
  readonly #reserve: number;
  #left: number;

  /**
   * @param share 0 to 1; 0.2: one repeat in five first tries. @param reserve Repeats that may be saved up, from 1. @param saved Repeats that
   * it begins with.
   */
  constructor(share: number, reserve: number, saved = reserve) {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`share must be from 0 to 1, not ${share}`);
    if (!(reserve >= 1)) throw new RangeError(`reserve must be 1 or more, not ${reserve}`);
    this.#share = share;
    this.#reserve = reserve;
    this.#left = saved;
  }

  earn(firstTries = 1): void {
    this.#left = Math.min(this.#reserve, this.#left + firstTries * this.#share);
  }

  /** Whether one more repeat is allowed; takes it then. */
  spend(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
