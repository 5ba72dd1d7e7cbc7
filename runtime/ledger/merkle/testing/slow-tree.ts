import { createHash } from 'node:crypto';

/** Section 2.1 of RFC 6962 word for word, recursive, sharing nothing with the code that it tests. Results are remembered. */
export class SlowTree {
  readonly #entries: readonly Buffer[];
  readonly #known = new Map<string, Buffer>();

  constructor(entries: readonly Buffer[]) {
    this.#entries = entries;
  }

  /** MTH(D[begin:end]). */
  hash(begin: number, end: number): Buffer {
    const key = `${begin}:${end}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const made = this.#make(begin, end);
    this.#known.set(key, made);
    return made;
  }

  /** PATH(index, D[begin:end]). */
  path(index: number, begin: number, end: number): Buffer[] {
    if (end - begin <= 1) return [];
    const middle = begin + largestPowerBelow(end - begin);
    return index < middle
      ? [...this.path(index, begin, middle), this.hash(middle, end)]
      : [...this.path(index, middle, end), this.hash(begin, middle)];
  }

  /** SUBPROOF(from, D[begin:end], known), where `from` counts from the beginning of the whole tree. */
  subproof(from: number, begin: number, end: number, known: boolean): Buffer[] {
    if (from === end) return known ? [] : [this.hash(begin, end)];
    const middle = begin + largestPowerBelow(end - begin);
    return from <= middle
      ? [...this.subproof(from, begin, middle, known), this.hash(middle, end)]
      : [...this.subproof(from, middle, end, false), this.hash(begin, middle)];
  }

  #make(begin: number, end: number): Buffer {
    const sha256 = createHash('sha256');
    if (begin === end) return sha256.digest();
    if (end - begin === 1) {
      return sha256
        .update(Buffer.from([0]))
        .update(this.#entries[begin]!)
        .digest();
    }
    const middle = begin + largestPowerBelow(end - begin);
    return sha256
      .update(Buffer.from([1]))
      .update(this.hash(begin, middle))
      .update(this.hash(middle, end))
      .digest();
  }
}

function largestPowerBelow(count: number): number {
  return count <= 2 ? 1 : 2 * largestPowerBelow(Math.ceil(count / 2));
}
