/** Lets at most so many work at once, in the order of asking. */
export class Turns {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many work now. */
  get taken(): number {
    return this.#taken;
  }

  /** Resolves with the function that gives the turn back; rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      const begin = () => {
        signal.removeEventListener('abort', leave);
        this.#taken += 1;
        let given = false;
        resolve(() => {
          if (given) return;
          given = true;
          this.#taken -= 1;
          this.#waiting.shift()?.();
        });
      };
      if (this.#taken < this.#most) {
        begin();
        return;
      }
      this.#waiting.push(begin);
      signal.addEventListener('abort', leave);
    });
  }
}
