import type { Classifiers } from '../../core-wasm/index.js';
import type { Guard, GuardJudgement, GuardLevel, GuardMode, GuardReason } from '../contracts/guard.js';
import { TextClassifier } from './classifier/classify.js';
import type { GuardModel } from './classifier/model-file.js';
import { PromptRuns } from './leak.js';
import { normalise } from './normalise.js';
import { AnswerWatcher, outputRules } from './output.js';
import { PromptRules } from './prompt.js';
import { rules } from './rules/index.js';

/** System prompts whose runs are kept; a configuration has one. */
const PROMPTS_MAX = 8;

const classifierRule = {
  rule: 'classifier',
  en: 'Its wording is like that of attacks on language models.',
  fr: "Sa formulation ressemble à celle d'attaques contre des modèles de langage.",
};

export interface GuardOptions {
  /** Of the hot core; the guard takes one workspace. */
  classifiers: Classifiers;
  model: GuardModel;
  /** When a caller names none. */
  level: GuardLevel;
}

/**
 * The guard: judges what comes in by rules and by the classifier, and watches answers. It judges and the caller enforces; only the
 * watcher of an answer acts, since it holds the text. Compiling the rules takes a few milliseconds, so one guard serves a process.
 */
export function createGuard({ classifiers, model, level: usualLevel }: GuardOptions): Guard {
  const prompts = new PromptRules(rules);
  const classifier = new TextClassifier(classifiers, model);
  const runsOf = new Map<string, PromptRuns>();
  return {
    checkPrompt: (text, { mode = 'prompt', level = usualLevel } = {}) => judge(text, mode, level),
    watchOutput({ systemPrompt, observe = false }) {
      return new AnswerWatcher({
        runs: systemPrompt === undefined ? undefined : runs(systemPrompt),
        observe,
      });
    },
    rules: () => [...rules.map(({ id }) => id), classifierRule.rule, ...outputRules],
  };

  function judge(text: string, mode: GuardMode, level: GuardLevel): GuardJudgement {
    const views = normalise(text, { known: prompts.knows });
    const byRules = prompts.check(text, views);
    const { score, threshold, verdict, span } = classifier.classify(views, mode, level);
    const reason: GuardReason = { ...classifierRule, span };
    const common = { score, threshold, mode, level, model: model.core.sha256 };
    if (verdict === 'allow') return { ...byRules, ...common };
    // What refuses stands first.
    const reasons =
      verdict === 'refuse' && byRules.verdict !== 'refuse'
        ? [reason, ...byRules.reasons]
        : [...byRules.reasons, reason];
    return { verdict: byRules.verdict === 'refuse' ? 'refuse' : verdict, reasons, ...common };
  }

  function runs(systemPrompt: string): PromptRuns {
    const known = runsOf.get(systemPrompt);
    if (known !== undefined) return known;
    const made = new PromptRuns(systemPrompt);
    const oldest = runsOf.keys().next();
    if (runsOf.size >= PROMPTS_MAX && oldest.done !== true) runsOf.delete(oldest.value);
    runsOf.set(systemPrompt, made);
    return made;
  }
}
