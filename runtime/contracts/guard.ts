export type GuardVerdict = 'allow' | 'flag' | 'refuse';

export interface GuardReason {
  /** Stable id of the rule, such as `override-instructions`. */
  rule: string;
  /** What it found, for the person who typed: English and French. */
  en: string;
  fr: string;
  /** Where in the original text, in UTF-16 code units, end exclusive. */
  span: readonly [start: number, end: number];
}

export interface GuardResult {
  verdict: GuardVerdict;
  reasons: GuardReason[];
}

/** `prompt`: what a trusted person types. `document`: what a tool, a file or a page brings; read in windows. */
export type GuardMode = 'prompt' | 'document';

/** How much the classifier needs to refuse; a stricter level refuses more attacks and more harmless texts. */
export const guardLevels = ['low', 'medium', 'high', 'paranoid'] as const;
export type GuardLevel = (typeof guardLevels)[number];

/** A verdict on a text that comes in: what the rules found, and what the classifier thinks of it. */
export interface GuardJudgement extends GuardResult {
  mode: GuardMode;
  level: GuardLevel;
  /** Of the classifier, 0 to 1. From `threshold` on it refuses, and `classifier` is among the reasons. */
  score: number;
  threshold: number;
  /** SHA-256 of the file of the weights, in hex. */
  model: string;
}

export interface OutputStep {
  /** Text that may go to the client now. */
  release: string;
  /**
   * Set once: the answer must be cut here, and this is why. Nothing is released afterwards, unless the watcher
   * only observes: then it says what would have been cut, and the rest passes unwatched. Spans count from the
   * beginning of the answer.
   */
  cut?: GuardResult;
}

/**
 * Watches one answer while it streams. Holds text only while its tail can still become a match, at most 256 code units.
 * What is cut, and where, does not depend on how the answer was cut into pieces.
 */
export interface OutputGuard {
  push(text: string): OutputStep;
  finish(): OutputStep;
}

export interface Guard {
  /**
   * Judges what comes in; the caller enforces. `mode` is `prompt` and `level` the configured one when not given. Linear time; `text`
   * is at most the body limit.
   */
  checkPrompt(text: string, options?: { mode?: GuardMode; level?: GuardLevel }): GuardJudgement;
  /** A watcher for one answer. `systemPrompt` is the text that must not leak; `observe` reports a cut without cutting. */
  watchOutput(options: { systemPrompt?: string; observe?: boolean }): OutputGuard;
  /** Ids of the rules in force. */
  rules(): string[];
}
