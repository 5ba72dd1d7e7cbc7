/** Where the buckets of a sketch begin and the last one ends, in ms: `parts` for each power of two from 2^exponentMin. Exact. */
export function bucketEdges(buckets: number, parts: number, exponentMin: number): Float64Array {
  return Float64Array.from(
    { length: buckets + 1 },
    (_, bucket) => 2 ** (exponentMin + Math.floor(bucket / parts)) * (1 + (bucket % parts) / parts),
  );
}

/** What a sketch held at a moment: counts by bucket. Snapshots add up, and an earlier one can be taken off a later one. */
export class LatencySnapshot {
  readonly count: number;
  readonly sumMs: number;
  /** The longest time since the sketch was made, also where an earlier snapshot was taken off. */
  readonly maxMs: number;
  readonly #edges: Float64Array;
  readonly #counts: Float64Array;

  /** Made by {@link LatencySketch.snapshot}. */
  constructor(edges: Float64Array, counts: Float64Array, sumMs: number, maxMs: number) {
    this.#edges = edges;
    this.#counts = counts;
    this.sumMs = sumMs;
    this.maxMs = maxMs;
    this.count = counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * The time of rank floor(q × (count − 1)), 0 ≤ q ≤ 1, in ms; undefined when nothing was counted. Off by at most 1/129 of it, either
   * way, for times from 2^-10 ms to 2^22 ms; never above `maxMs`.
   */
  quantile(q: number): number | undefined {
    if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile must be from 0 to 1, not ${q}`);
    const rank = Math.floor(q * (this.count - 1));
    let upTo = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      upTo += this.#counts[bucket]!;
      if (upTo > rank && upTo > 0) return Math.min(this.maxMs, this.#estimate(bucket));
    }
    return undefined;
  }

  /** Times below each bound, in ms, rising: exact for an edge of a bucket, such as m/64 × 2^e with whole m from 64 to 127. */
  countsBelow(boundsMs: readonly number[]): number[] {
    let bucket = 0;
    let below = 0;
    return boundsMs.map((boundMs) => {
      for (; bucket < this.#counts.length && this.#edges[bucket + 1]! <= boundMs; bucket++) {
        below += this.#counts[bucket]!;
      }
      return below;
    });
  }

  plus(other: LatencySnapshot): LatencySnapshot {
    const counts = this.#counts.map((count, bucket) => count + other.#counts[bucket]!);
    return new LatencySnapshot(
      this.#edges,
      counts,
      this.sumMs + other.sumMs,
      Math.max(this.maxMs, other.maxMs),
    );
  }

  /** What came after `earlier`, a snapshot of the same sketch. */
  minus(earlier: LatencySnapshot): LatencySnapshot {
    const counts = this.#counts.map((count, bucket) => count - earlier.#counts[bucket]!);
    return new LatencySnapshot(this.#edges, counts, this.sumMs - earlier.sumMs, this.maxMs);
  }

  /** The harmonic mean of both ends: as far from one as from the other, in proportion. */
  #estimate(bucket: number): number {
    const from = this.#edges[bucket]!;
    const to = this.#edges[bucket + 1]!;
    return (2 * from * to) / (from + to);
  }
}
