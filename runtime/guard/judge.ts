import type { Classifier } from '../../core-wasm/index.js';
import type { GuardJudgement, GuardLevel, GuardMode, GuardReason } from '../contracts/guard.js';
import { TextClassifier } from './classifier/classify.js';
import type { ModelHeader } from './classifier/model-file.js';
import { normalise } from './normalise.js';
import { PromptRules } from './prompt.js';
import { rules } from './rules/index.js';

export const classifierRule = {
  rule: 'classifier',
  en: 'Its wording is like that of attacks on language models.',
  fr: "Sa formulation ressemble à celle d'attaques contre des modèles de langage.",
};

/** What a judge needs besides its workspace; can be sent to another thread. */
export interface JudgeModel {
  header: ModelHeader;
  /** SHA-256 of the file of the weights, in hex. */
  sha256: string;
}

/** A text and how it is to be judged; can be sent to another thread. */
export interface JudgeTask {
  text: string;
  mode: GuardMode;
  level: GuardLevel;
  tools: boolean;
}

/** Judges texts by the rules and the classifier, in one thread. Compiling the rules takes a few milliseconds. */
export class Judge {
  readonly #rules = new PromptRules(rules);
  readonly #classifier: TextClassifier;
  readonly #sha256: string;

  /** The model is in the memory of the classifier already. */
  constructor(classifier: Classifier, { header, sha256 }: JudgeModel) {
    this.#classifier = new TextClassifier(classifier, header);
    this.#sha256 = sha256;
  }

  judge({ text, mode, level, tools }: JudgeTask): GuardJudgement {
    const views = normalise(text, { known: this.#rules.knows });
    const byRules = this.#rules.check(text, views, { mode, tools });
    const { score, threshold, verdict, span } = this.#classifier.classify(views, mode, level);
    const reason: GuardReason = { ...classifierRule, span };
    const judged: GuardJudgement = {
      verdict: byRules.verdict,
      reasons: byRules.reasons,
      score,
      threshold,
      mode,
      level,
      model: this.#sha256,
    };
    if (verdict === 'allow') return judged;
    // What refuses stands first.
    judged.reasons =
      verdict === 'refuse' && byRules.verdict !== 'refuse'
        ? [reason, ...byRules.reasons]
        : [...byRules.reasons, reason];
    if (byRules.verdict !== 'refuse') judged.verdict = verdict;
    return judged;
  }
}
