import type { ScoreConstants } from './exports.js';
import type { ParameterSet } from './parameters.js';
import { decisions, factorNames, type Score } from './score-types.js';

/** Where a scored record is read: a cursor that is moved from one to the next, so that reading allocates nothing. */
export class SlabRecord {
  readonly #floats: Float64Array<SharedArrayBuffer>;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #decision: number;
  readonly #reasons: number;
  readonly #absent: number;
  readonly #confidence: number;
  readonly #pressure: number;
  readonly #scores: number;
  readonly #weights: number;
  readonly #shares: number;
  #word = 0;
  #float = 0;
  #parameters: ParameterSet;

  constructor(memory: SharedArrayBuffer, at: ScoreConstants, parameters: ParameterSet) {
    this.#floats = new Float64Array(memory);
    this.#words = new Uint32Array(memory);
    this.#decision = at.RECORD_DECISION >> 2;
    this.#reasons = at.RECORD_REASONS >> 2;
    this.#absent = at.RECORD_ABSENT >> 2;
    this.#confidence = at.RECORD_CONFIDENCE >> 3;
    this.#pressure = at.RECORD_PRESSURE >> 3;
    this.#scores = at.RECORD_SCORES >> 3;
    this.#weights = at.RECORD_WEIGHTS >> 3;
    this.#shares = at.RECORD_SHARES >> 3;
    this.#parameters = parameters;
  }

  /** Moves to the record at a byte of the memory, scored with these parameters. */
  moveTo(byte: number, parameters: ParameterSet): this {
    this.#word = byte >> 2;
    this.#float = byte >> 3;
    this.#parameters = parameters;
    return this;
  }

  get parameters(): ParameterSet {
    return this.#parameters;
  }

  get decision(): Score['decision'] {
    return decisions[this.#words[this.#word + this.#decision] as number]!;
  }

  get confidence(): number {
    return this.#floats[this.#float + this.#confidence]!;
  }

  get pressure(): number {
    return this.#floats[this.#float + this.#pressure]!;
  }

  /** Bit i: factor i is absent; its score, weight and share mean nothing. */
  get absentBits(): number {
    return this.#words[this.#word + this.#absent]!;
  }

  /** The rules as bits: equal bits, equal `reasons`. */
  get reasonBits(): number {
    return this.#words[this.#word + this.#reasons]!;
  }

  get reasons(): readonly string[] {
    return this.#parameters.reasons(this.reasonBits);
  }

  score(factor: number): number {
    return this.#floats[this.#float + this.#scores + factor]!;
  }

  weight(factor: number): number {
    return this.#floats[this.#float + this.#weights + factor]!;
  }

  share(factor: number): number {
    return this.#floats[this.#float + this.#shares + factor]!;
  }

  /** A copy that stays. */
  toScore(): Score {
    const factors: Score['factors'] = [];
    const absent: Score['absent'] = [];
    for (const [i, name] of factorNames.entries()) {
      if (this.absentBits & (1 << i)) absent.push(name);
      else factors.push({ name, score: this.score(i), weight: this.weight(i), share: this.share(i) });
    }
    const { decision, confidence, pressure } = this;
    return { decision, confidence, factors, absent, reasons: [...this.reasons], pressure };
  }
}
