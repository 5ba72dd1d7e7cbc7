/** Values of a series that are kept. */
const keptMax = 32;

/** A bounded, even sample of a series: when it is full every other value goes, and from then on only every other one is taken. */
export class Thinned<T> {
  #kept: T[] = [];
  #seen = 0;
  #every = 1;

  add(value: T): void {
    if (this.#seen++ % this.#every !== 0) return;
    this.#kept.push(value);
    if (this.#kept.length < keptMax) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#every *= 2;
  }

  /** In the order of the series. */
  get values(): readonly T[] {
    return this.#kept;
  }
}
