const BUCKETS = 2048;

/**
 * The latency sketch in plain TypeScript, for one thread: the slow twin that property tests hold against the hot core. It finds
 * the bucket of a time by halving and doubling, without looking at the bits of a number.
 */
export class ReferenceSketch {
  readonly counts = new Map<number, number>();
  maxMs = 0;
  #ticks = 0n;

  get sumMs(): number {
    return Number(this.#ticks) / 2 ** 20;
  }

  add(ms: number): void {
    const bucket = bucketOf(ms);
    this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + 1);
    this.maxMs = Math.max(this.maxMs, ms);
    this.#ticks += BigInt(Math.trunc(ms * 2 ** 20));
  }

  merge(other: ReferenceSketch): void {
    for (const [bucket, count] of other.counts)
      this.counts.set(bucket, (this.counts.get(bucket) ?? 0) + count);
    this.maxMs = Math.max(this.maxMs, other.maxMs);
    this.#ticks += other.#ticks;
  }
}

function bucketOf(ms: number): number {
  if (ms < 2 ** -10) return 0;
  let exponent = -10;
  let mantissa = ms * 2 ** 10;
  for (; mantissa >= 2; mantissa /= 2) exponent++;
  return Math.min(BUCKETS - 1, (exponent + 10) * 64 + Math.floor((mantissa - 1) * 64));
}
