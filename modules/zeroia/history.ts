const SMOOTHING = 0.2;

/**
 * Recent pressure of each decision stream as an exponentially weighted mean (each new value weighs 0.2, so about the last ten
 * count). Bounded: beyond `streamsMax` the stream unused for longest is forgotten.
 */
export class StreamHistory {
  readonly #mean = new Map<string, number>();
  readonly #streamsMax: number;
  #newest: string | undefined;

  constructor(streamsMax: number) {
    this.#streamsMax = streamsMax;
  }

  get size(): number {
    return this.#mean.size;
  }

  /** Mean pressure, 0 to 1; undefined for a stream without history. */
  mean(stream: string): number | undefined {
    return this.#mean.get(stream);
  }

  add(stream: string, pressure: number): void {
    const before = this.#mean.get(stream);
    const after = before === undefined ? pressure : before + (pressure - before) * SMOOTHING;
    // Taken out and put back, so that the map's order is the order of last use.
    if (stream !== this.#newest) this.#mean.delete(stream);
    this.#newest = stream;
    this.#mean.set(stream, after);
    if (this.#mean.size > this.#streamsMax) this.#mean.delete(this.#mean.keys().next().value!);
  }
}
