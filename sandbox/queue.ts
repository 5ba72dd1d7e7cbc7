/**
 * A queue between one producer that pushes and one consumer that awaits. Tells the producer when it holds more than
 * `highWater` items, and again when it has drained to half of it; the producer is expected to stop meanwhile.
 */
export class PressureQueue<T> {
  readonly #items: T[] = [];
  readonly #highWater: number;
  readonly #onPressure: (pressed: boolean) => void;
  readonly #joined: (last: T, item: T) => T | undefined;
  #waiting: { resolve: (item: T | undefined) => void; reject: (error: Error) => void } | undefined;
  #ending: { error?: Error } | undefined;
  #pressed = false;

  /** @param joined Makes one item of the last that waits and the one behind it, where they can go together. */
  constructor(
    highWater: number,
    onPressure: (pressed: boolean) => void,
    joined: (last: T, item: T) => T | undefined = () => undefined,
  ) {
    this.#highWater = highWater;
    this.#onPressure = onPressure;
    this.#joined = joined;
  }

  push(item: T): void {
    if (this.#ending !== undefined) return;
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      resolve(item);
      return;
    }
    const last = this.#items.at(-1);
    const one = last === undefined ? undefined : this.#joined(last, item);
    if (one !== undefined) {
      this.#items[this.#items.length - 1] = one;
      return;
    }
    this.#items.push(item);
    if (!this.#pressed && this.#items.length > this.#highWater) this.#press(true);
  }

  /** No more items. Those already queued are still delivered, then `undefined` or the error. */
  end(error?: Error): void {
    if (this.#ending !== undefined) return;
    this.#ending = error === undefined ? {} : { error };
    if (this.#waiting === undefined) return;
    const { resolve, reject } = this.#waiting;
    this.#waiting = undefined;
    if (error === undefined) resolve(undefined);
    else reject(error);
  }

  /** The next item; undefined after the end. */
  next(): Promise<T | undefined> {
    const item = this.#items.shift();
    if (item !== undefined) {
      if (this.#pressed && this.#items.length <= this.#highWater / 2) this.#press(false);
      return Promise.resolve(item);
    }
    if (this.#ending !== undefined)
      return this.#ending.error === undefined
        ? Promise.resolve(undefined)
        : Promise.reject(this.#ending.error);
    if (this.#waiting !== undefined) throw new Error('a queue has one consumer');
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #press(pressed: boolean): void {
    this.#pressed = pressed;
    this.#onPressure(pressed);
  }
}
