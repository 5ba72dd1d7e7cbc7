/** How a view was made from the text. */
export type ViewKind = 'raw' | 'plain' | 'spaced' | 'leet' | 'escapes' | 'base64' | 'hex' | 'rot13';

/**
 * A text derived from the original, with the way back: each of its UTF-16 code units knows the span of the
 * original that it came from.
 */
export class View {
  readonly text: string;
  readonly kind: ViewKind;
  readonly #starts: Uint32Array | undefined;
  readonly #ends: Uint32Array | undefined;

  constructor(text: string, kind: ViewKind, starts?: Uint32Array, ends?: Uint32Array) {
    this.text = text;
    this.kind = kind;
    this.#starts = starts;
    this.#ends = ends;
  }

  /** Another text of the same length over the same spans. */
  withText(text: string, kind: ViewKind): View {
    if (text.length !== this.text.length) {
      throw new RangeError(`a view of ${this.text.length} code units cannot hold ${text.length}`);
    }
    return new View(text, kind, this.#starts, this.#ends);
  }

  /** Where code unit `index` begins in the original. */
  start(index: number): number {
    return this.#starts === undefined ? index : (this.#starts[index] ?? 0);
  }

  /** Where code unit `index` ends in the original, exclusive. */
  end(index: number): number {
    return this.#ends === undefined ? index + 1 : (this.#ends[index] ?? 0);
  }

  /** The span of the original behind `[from, to)` of this view; `from < to`. */
  span(from: number, to: number): [start: number, end: number] {
    return [this.start(from), this.end(to - 1)];
  }
}

/** Collects the text of a view piece by piece. */
export class ViewBuilder {
  #text = '';
  #starts = new Uint32Array(256);
  #ends = new Uint32Array(256);

  get length(): number {
    return this.#text.length;
  }

  /** Adds `text`, all of it made from `[start, end)` of the original. */
  add(text: string, start: number, end: number): void {
    const from = this.#text.length;
    const to = from + text.length;
    if (to > this.#starts.length) this.#grow(to);
    this.#text += text;
    for (let index = from; index < to; index++) {
      this.#starts[index] = start;
      this.#ends[index] = end;
    }
  }

  build(kind: ViewKind): View {
    const length = this.#text.length;
    return new View(this.#text, kind, this.#starts.slice(0, length), this.#ends.slice(0, length));
  }

  #grow(needed: number): void {
    const size = Math.max(needed, this.#starts.length * 2);
    const starts = new Uint32Array(size);
    const ends = new Uint32Array(size);
    starts.set(this.#starts);
    ends.set(this.#ends);
    this.#starts = starts;
    this.#ends = ends;
  }
}
