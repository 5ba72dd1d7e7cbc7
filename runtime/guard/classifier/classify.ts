import type { Classifier, ClassifierScore } from '../../../core-wasm/index.js';
import type { GuardLevel, GuardMode } from '../../contracts/guard.js';
import type { View } from '../view.js';
import type { ModelHead, ModelHeader } from './model-file.js';

/** UTF-16 code units of a view that are scored at once (at most 3 bytes each), and that the next part repeats. */
const PART_MAX = 5461;
const PART_OVERLAP = 400;

/** What the classifier says about a text. */
export interface Classified {
  /** Of the view and window with the highest score, 0 to 1. */
  score: number;
  threshold: number;
  verdict: 'allow' | 'flag' | 'refuse';
  /** The phrase with the highest score. Where in the original text, in UTF-16 code units, end exclusive. */
  span: [start: number, end: number];
}

/** Scores the readings of a text with the weights in the hot core, in this thread: a call takes less than a message to another. */
export class TextClassifier {
  readonly #header: ModelHeader;
  readonly #classifier: Classifier;

  /** The model that the header belongs to is in the memory of the classifier. */
  constructor(classifier: Classifier, header: ModelHeader) {
    this.#header = header;
    this.#classifier = classifier;
  }

  /** Linear in the length of the views. */
  classify(views: readonly View[], mode: GuardMode, level: GuardLevel): Classified {
    let best = Number.NEGATIVE_INFINITY;
    let span: [number, number] = [0, 0];
    for (const view of views) {
      for (let from = 0; from < view.text.length; from += PART_MAX - PART_OVERLAP) {
        this.#classifier.read(
          view.text.length <= PART_MAX ? view.text : view.text.slice(from, from + PART_MAX),
        );
        const phrase = this.#score('document');
        const score =
          mode === 'document'
            ? phrase.score
            : this.#score('prompt').score + this.#header.document_share * phrase.score;
        if (score > best) {
          best = score;
          const start = from + this.#classifier.charactersOf(phrase.from);
          const end = from + this.#classifier.charactersOf(phrase.to);
          span = view.span(start, Math.max(start + 1, end));
        }
        if (from + PART_MAX >= view.text.length) break;
      }
    }
    return { ...judge(best, this.#header[mode], level), span };
  }

  /** Of what was read, by the head of a mode. */
  #score(mode: GuardMode): ClassifierScore {
    const { window, step } = this.#header[mode];
    return this.#classifier.score({ head: mode === 'prompt' ? 0 : 1, window, step });
  }
}

function judge(score: number, { thresholds }: ModelHead, level: GuardLevel): Omit<Classified, 'span'> {
  const threshold = thresholds[level];
  const verdict = score >= threshold ? 'refuse' : score >= noticeFor(thresholds, level) ? 'flag' : 'allow';
  return { score: unit(score), threshold: unit(threshold), verdict };
}

/** A text is flagged from the threshold of the next stricter level on. */
function noticeFor(thresholds: ModelHead['thresholds'], level: GuardLevel): number {
  if (level === 'low') return thresholds.medium;
  if (level === 'medium') return thresholds.high;
  return level === 'high' ? thresholds.paranoid : thresholds.notice;
}

/** From the whole line to 0 … 1, in steps of 2^-20: in order, without an exponential, so the same everywhere. */
function unit(score: number): number {
  if (score === Number.NEGATIVE_INFINITY) return 0;
  return Math.round((0.5 + (0.5 * score) / (1 + Math.abs(score))) * 1_048_576) / 1_048_576;
}
