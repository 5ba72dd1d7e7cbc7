import type { Constants, CoreFunctions } from './exports.js';

/** A linear model over hashed n-grams, see assembly/classifier.ts. */
export interface ClassifierModel {
  /** Version of the features that it was trained on. */
  features: number;
  /** SHA-256 of the file of the model, in hex: what made a score. */
  sha256: string;
  heads: readonly ClassifierHead[];
}

/** What a weight of 1 stands for, what is added, and 2^bits weights; bits are 8 to 17. */
interface ClassifierHead {
  scale: number;
  bias: number;
  bits: number;
  weights: Int8Array;
}

export interface ClassifierScore {
  /** The highest of the windows; more than 0 is more likely than not what the model looks for. */
  score: number;
  /** The window, in bytes of the text as UTF-8, end exclusive. */
  from: number;
  to: number;
}

const BEING_WRITTEN = 1;
const READY = 2;

/** Scores texts in a workspace of its own; for one thread. Made by {@link Classifiers}. */
export class Classifier {
  /** Bytes of UTF-8 that one text can have. */
  readonly textBytesMax: number;
  /** Number of its workspace, for {@link Classifiers.at} in another thread. */
  readonly index: number;
  readonly #text: Buffer;
  readonly #place: Uint32Array;
  readonly #functions: CoreFunctions;

  constructor(workspace: number, memory: SharedArrayBuffer, at: Constants, functions: CoreFunctions) {
    const space = at.WORKSPACE_FIRST + workspace * at.WORKSPACE_BYTES;
    this.textBytesMax = at.WORKSPACE_TEXT_BYTES;
    this.index = workspace;
    this.#text = Buffer.from(memory, space + at.WORKSPACE_TEXT, at.WORKSPACE_TEXT_BYTES);
    this.#place = new Uint32Array(memory, space + at.WORKSPACE_FROM, 2);
    this.#functions = functions;
  }

  /** Reads a text for {@link Classifier.score}. What is longer than `textBytesMax` is cut at a whole character. */
  read(text: string): void {
    this.#functions.classifierRead(this.index, this.#text.write(text, 0, 'utf8'));
  }

  /** The same for bytes that may be no UTF-8. Throws a RangeError when they are too many. */
  readBytes(bytes: Uint8Array): void {
    if (bytes.length > this.textBytesMax)
      throw new RangeError(`a text must be at most ${this.textBytesMax} bytes, not ${bytes.length}`);
    this.#text.set(bytes);
    this.#functions.classifierRead(this.index, bytes.length);
  }

  /** Characters of the first `bytes` bytes of what was read, in UTF-16 code units. */
  charactersOf(bytes: number): number {
    return this.#text.toString('utf8', 0, bytes).length;
  }

  /** Scores what was read. `window` 0: as a whole; else the highest of its phrases and windows, see assembly/classifier.ts. */
  score({ head, window, step }: { head: number; window: number; step: number }): ClassifierScore {
    const score = this.#functions.classifierScore(this.index, head, window, step);
    return { score, from: this.#place[0] ?? 0, to: this.#place[1] ?? 0 };
  }
}

/** The text classifier of the shared memory: one model, and a workspace for each thread that scores. */
export class Classifiers {
  /** Version of the features that the module reads. */
  readonly features: number;
  readonly #memory: SharedArrayBuffer;
  readonly #at: Constants;
  readonly #functions: CoreFunctions;

  constructor(memory: SharedArrayBuffer, at: Constants, functions: CoreFunctions) {
    this.features = at.CLASSIFIER_FEATURES;
    this.#memory = memory;
    this.#at = at;
    this.#functions = functions;
  }

  /** Writes the model into the memory, once for as long as the memory lives. Throws when it does not fit or there is another. */
  load(model: ClassifierModel): void {
    const at = this.#at;
    const { heads } = model;
    if (model.features !== at.CLASSIFIER_FEATURES)
      throw new RangeError(
        `the model has features ${model.features}, the module reads ${at.CLASSIFIER_FEATURES}`,
      );
    if (heads.length !== at.CLASSIFIER_HEADS)
      throw new RangeError(`the model must have ${at.CLASSIFIER_HEADS} heads, not ${heads.length}`);
    for (const { scale, bias, bits, weights } of heads) {
      if (!(Number.isInteger(bits) && bits >= at.CLASSIFIER_BITS_MIN && bits <= at.CLASSIFIER_BITS_MAX))
        throw new RangeError(
          `bits must be from ${at.CLASSIFIER_BITS_MIN} to ${at.CLASSIFIER_BITS_MAX}, not ${bits}`,
        );
      if (!(scale > 0 && scale < 1e6 && Math.abs(bias) < 1e6))
        throw new RangeError(`scale and bias must be finite and the scale above 0, not ${scale} and ${bias}`);
      if (weights.length !== 1 << bits)
        throw new RangeError(`a head must have ${1 << bits} weights, not ${weights.length}`);
    }
    const state = new Int32Array(this.#memory, at.CLASSIFIER_STATE, 1);
    if (Atomics.compareExchange(state, 0, 0, BEING_WRITTEN) !== 0)
      throw new Error('the memory has a model already');
    Buffer.from(this.#memory, at.CLASSIFIER_SHA256, 32).write(model.sha256, 'hex');
    const scales = new Float64Array(this.#memory, at.CLASSIFIER_SCALES, heads.length);
    const biases = new Float64Array(this.#memory, at.CLASSIFIER_BIASES, heads.length);
    const sizes = new Int32Array(this.#memory, at.CLASSIFIER_HEAD_BITS, heads.length);
    heads.forEach(({ scale, bias, bits, weights }, head) => {
      sizes[head] = bits;
      scales[head] = scale;
      biases[head] = bias;
      new Int8Array(
        this.#memory,
        at.CLASSIFIER_WEIGHTS + (head << at.CLASSIFIER_BITS_MAX),
        weights.length,
      ).set(weights);
    });
    Atomics.store(state, 0, READY);
  }

  /** SHA-256 of the file of the model in force; undefined when there is none. */
  get sha256(): string | undefined {
    if (Atomics.load(new Int32Array(this.#memory, this.#at.CLASSIFIER_STATE, 1), 0) !== READY)
      return undefined;
    return Buffer.from(this.#memory, this.#at.CLASSIFIER_SHA256, 32).toString('hex');
  }

  /** A workspace for one thread, for as long as the memory lives; undefined when all are taken. */
  take(): Classifier | undefined {
    const workspace = this.#functions.classifierTake();
    return workspace < 0 ? undefined : this.at(workspace);
  }

  /** A workspace that was taken, for the thread that it was taken for. */
  at(index: number): Classifier {
    if (!(Number.isInteger(index) && index >= 0 && index < this.#at.WORKSPACE_COUNT))
      throw new RangeError(`a workspace must be from 0 to ${this.#at.WORKSPACE_COUNT - 1}, not ${index}`);
    return new Classifier(index, this.#memory, this.#at, this.#functions);
  }
}
