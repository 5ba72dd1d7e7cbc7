import type { Classifiers, Core } from '../../core-wasm/index.js';
import { AppError } from '../contracts/errors.js';
import {
  GUARD_TEXT_MAX,
  type Guard,
  type GuardLevel,
  type OutputGuard,
  type PersonalKind,
} from '../contracts/guard.js';
import type { GuardModel } from './classifier/model-file.js';
import { classifierRule, Judge, type JudgeModel } from './judge.js';
import { PromptRuns } from './leak.js';
import { AnswerWatcher, indexDetectors } from './output.js';
import { rules } from './rules/index.js';
import { sanitize } from './sanitize.js';
import { type SecondClassifier, secondOpinionRule, withSecondOpinion } from './second-opinion.js';
import { GuardThread } from './thread.js';

/** System prompts whose runs are kept; a configuration has one. */
const PROMPTS_MAX = 8;
/** From this many UTF-16 code units on a text is judged in another thread: there a message costs less than the judgement. */
const LONG_MIN = 8192;

export interface GuardOptions {
  /** Of the hot core; the guard takes a workspace for each of its two threads. */
  core: Pick<Core, 'classifiers' | 'share'>;
  model: GuardModel;
  /** When a caller names none. */
  level: GuardLevel;
  /** Kinds of personal data that answers are cut before; none when not given. */
  personalData?: readonly PersonalKind[];
  /** Asked by `detect` where the score is near its threshold. */
  second?: SecondClassifier | undefined;
}

const unwatched: OutputGuard = {
  push: (text) => ({ release: text }),
  held: () => ({ from: 0, count: 0 }),
  expire: () => ({ release: '' }),
  finish: () => ({ release: '' }),
};

/** A guard, and the end of its thread. */
export interface OwnedGuard extends Guard {
  close(): Promise<void>;
}

/**
 * The guard: judges what comes in by rules and by the classifier, and watches answers. It judges and the caller enforces; only the
 * watcher of an answer acts, since it holds the text. Throws when the hot core has another model, or no workspaces left.
 */
export function createGuard({
  core,
  model,
  level: usualLevel,
  personalData = [],
  second,
}: GuardOptions): OwnedGuard {
  const { classifiers } = core;
  if (classifiers.sha256 === undefined) classifiers.load(model.core);
  if (classifiers.sha256 !== model.core.sha256) throw new Error('the hot core has other weights than these');
  const judgeModel: JudgeModel = { header: model.header, sha256: model.core.sha256 };
  const judge = new Judge(take(classifiers), judgeModel);
  const thread = new GuardThread({
    share: core.share,
    workspace: take(classifiers).index,
    model: judgeModel,
  });
  const output = indexDetectors(personalData);
  const asked = second === undefined ? [] : [secondOpinionRule.rule];
  const runsOf = new Map<string, PromptRuns>();
  return {
    checkPrompt(text, { mode = 'prompt', level = usualLevel, tools = false } = {}) {
      if (text.length > GUARD_TEXT_MAX)
        throw new RangeError(`a text must be at most ${GUARD_TEXT_MAX} characters, not ${text.length}`);
      return judge.judge({ text, mode, level, tools });
    },
    async detect(text, { mode = 'prompt', level = usualLevel, tools = false } = {}) {
      if (text.length > GUARD_TEXT_MAX)
        throw new AppError(
          'payload_too_large',
          `A text of ${text.length} characters is too long to be judged: at most ${GUARD_TEXT_MAX}.`,
        );
      const task = { text, mode, level, tools };
      const judgement = text.length < LONG_MIN ? judge.judge(task) : await thread.judge(task);
      return second === undefined ? judgement : withSecondOpinion(text, judgement, second);
    },
    sanitize,
    watchOutput({ systemPrompt, canary, action = 'enforce' }) {
      if (action === 'off') return unwatched;
      return new AnswerWatcher({
        detectors: output.index,
        canary,
        runs: systemPrompt === undefined ? undefined : runs(systemPrompt),
        observe: action === 'observe',
      });
    },
    rules: () => [...rules.map(({ id }) => id), classifierRule.rule, ...asked, ...output.rules],
    close: () => thread.close(),
  };

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

function take(classifiers: Classifiers) {
  const classifier = classifiers.take();
  if (classifier === undefined) throw new Error('the hot core has no workspace left for a classifier');
  return classifier;
}
