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
  /** For each code unit where its span begins and ends; absent where each stands for itself. */
  readonly #spans: Uint32Array | undefined;

  constructor(text: string, kind: ViewKind, spans?: Uint32Array) {
    this.text = text;
    this.kind = kind;
    this.#spans = spans;
  }

  /** Another text of the same length over the same spans. */
  withText(text: string, kind: ViewKind): View {
    if (text.length !== this.text.length) {
      throw new RangeError(`a view of ${this.text.length} code units cannot hold ${text.length}`);
    }
    return new View(text, kind, this.#spans);
  }

  /** Where code unit `index` begins in the original. */
  start(index: number): number {
    return this.#spans === undefined ? index : (this.#spans[index * 2] ?? 0);
  }

  /** Where code unit `index` ends in the original, exclusive. */
  end(index: number): number {
    return this.#spans === undefined ? index + 1 : (this.#spans[index * 2 + 1] ?? 0);
  }

  /** The span of the original behind `[from, to)` of this view; `from < to`. */
  span(from: number, to: number): [start: number, end: number] {
    // A view that is read backwards has its last unit first.
    return [Math.min(this.start(from), this.start(to - 1)), Math.max(this.end(from), this.end(to - 1))];
  }
}

/** Code units of a view that is being built; one builder at a time has it, others make their own. */
let spare: Uint16Array | undefined = new Uint16Array(4096);

/** Collects the text of a view piece by piece. */
export class ViewBuilder {
  #length = 0;
  #codes: Uint16Array;
  #spans: Uint32Array;
  /** All code units so far, or-ed. */
  #all = 0;

  /** `size`: code units that are likely. */
  constructor(size = 256) {
    this.#codes = spare !== undefined && size <= spare.length ? spare : new Uint16Array(size);
    if (this.#codes === spare) spare = undefined;
    this.#spans = new Uint32Array(Math.max(size, 1) * 2);
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
    if (at >= this.#codes.length || at * 2 >= this.#spans.length) this.#grow();
    this.#codes[at] = code;
    this.#all |= code;
    this.#spans[at * 2] = start;
    this.#spans[at * 2 + 1] = end;
  }

  /** Ends the builder. */
  build(kind: ViewKind): View {
    const length = this.#length;
    const codes = this.#codes;
    // Bytes make a string of bytes, in which everything is found faster.
    const text =
      this.#all < 256
        ? Buffer.from(codes.subarray(0, length)).toString('latin1')
        : Buffer.from(codes.buffer, 0, length * 2).toString('utf16le');
    if (spare === undefined || spare.length < codes.length) spare = codes;
    return new View(text, kind, this.#spans.subarray(0, length * 2));
  }

  #grow(): void {
    const size = this.#length * 2;
    if (size > this.#codes.length) {
      const codes = new Uint16Array(size);
      codes.set(this.#codes);
      this.#codes = codes;
    }
    const spans = new Uint32Array(size * 2);
    spans.set(this.#spans);
    this.#spans = spans;
  }
}
