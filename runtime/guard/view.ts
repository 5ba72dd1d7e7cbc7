/** How a view was made from the text. */
export type ViewKind =
  | 'raw'
  | 'plain'
  | 'spaced'
  | 'leet'
  | 'escapes'
  | 'base64'
  | 'hex'
  | 'rot13'
  | 'reversed'
  | 'binary'
  | 'decimal'
  | 'morse'
  | 'base32';

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
    // A view that is read backwards has its last unit first.
    return [Math.min(this.start(from), this.start(to - 1)), Math.max(this.end(from), this.end(to - 1))];
  }
}

/** Collects the text of a view piece by piece. */
export class ViewBuilder {
  #length = 0;
  #codes: Uint16Array;
  #starts: Uint32Array;
  #ends: Uint32Array;

  /** `size`: code units that are likely. */
  constructor(size = 256) {
    this.#codes = new Uint16Array(size);
    this.#starts = new Uint32Array(size);
    this.#ends = new Uint32Array(size);
  }

  get length(): number {
    return this.#length;
  }

  /** Adds `text`, all of it made from `[start, end)` of the original. */
  add(text: string, start: number, end: number): void {
    for (let index = 0; index < text.length; index++) this.addCode(text.charCodeAt(index), start, end);
  }

  /** The same for one UTF-16 code unit. */
  addCode(code: number, start: number, end: number): void {
    const at = this.#length++;
    if (at >= this.#codes.length) this.#grow();
    this.#codes[at] = code;
    this.#starts[at] = start;
    this.#ends[at] = end;
  }

  build(kind: ViewKind): View {
    const length = this.#length;
    const text = Buffer.from(this.#codes.buffer, 0, length * 2).toString('utf16le');
    return new View(text, kind, this.#starts.subarray(0, length), this.#ends.subarray(0, length));
  }

  #grow(): void {
    const size = this.#codes.length * 2;
    const codes = new Uint16Array(size);
    const starts = new Uint32Array(size);
    const ends = new Uint32Array(size);
    codes.set(this.#codes);
    starts.set(this.#starts);
    ends.set(this.#ends);
    this.#codes = codes;
    this.#starts = starts;
    this.#ends = ends;
  }
}
