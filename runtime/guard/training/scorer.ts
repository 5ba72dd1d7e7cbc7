import { type Classifier, Core } from '../../../core-wasm/index.js';

/** Tokens of a window of a document, and from one beginning to the next where there is no edge. */
export const WINDOW = { window: 24, step: 16 };
/** How much the head `document` counts in the mode `prompt`. */
export const DOCUMENT_SHARE = 0.7;
/** Characters of a document that are looked at. */
const CHARACTERS_MAX = 16_000;

/** One head of a model as it will be shipped: with weights of 8 bits. */
export interface Head {
  weights: Int8Array;
  scale: number;
  bias: number;
  bits: number;
}

/** Scores folded texts with two heads, in a hot core of its own. */
export class Scorer {
  readonly #classifier: Classifier;

  constructor(prompt: Head, document: Head) {
    const { classifiers } = Core.create();
    classifiers.load({
      features: classifiers.features,
      sha256: '0'.repeat(64),
      heads: [prompt, document],
    });
    const classifier = classifiers.take();
    if (classifier === undefined) throw new Error('a new hot core has no workspace');
    this.#classifier = classifier;
  }

  /** In the mode `prompt`. */
  prompt(folded: string): number {
    this.#classifier.read(folded.slice(0, CHARACTERS_MAX));
    const whole = this.#classifier.score({ head: 0, window: 0, step: 1 }).score;
    return whole + DOCUMENT_SHARE * this.#classifier.score({ head: 1, ...WINDOW }).score;
  }

  /** In the mode `document`: the highest score of its phrases, and that phrase. */
  document(folded: string): { score: number; phrase: string } {
    const bytes = Buffer.from(folded.slice(0, CHARACTERS_MAX)).subarray(0, this.#classifier.textBytesMax);
    this.#classifier.readBytes(bytes);
    const { score, from, to } = this.#classifier.score({ head: 1, ...WINDOW });
    return { score, phrase: bytes.toString('utf8', from, to) };
  }
}
