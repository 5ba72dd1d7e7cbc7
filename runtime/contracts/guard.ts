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
export const guardModes = ['prompt', 'document'] as const;
export type GuardMode = (typeof guardModes)[number];

/** What is done with a verdict. `observe` answers and records it; with `off` nothing is judged. */
export const guardActions = ['enforce', 'observe', 'off'] as const;
export type GuardAction = (typeof guardActions)[number];

/** Longest text that is judged, in UTF-16 code units. */
export const GUARD_TEXT_MAX = 1_000_000;

/** How much the classifier needs to refuse; a stricter level refuses more attacks and more harmless texts. */
export const guardLevels = ['low', 'medium', 'high', 'paranoid'] as const;
export type GuardLevel = (typeof guardLevels)[number];

/**
 * What a level costs: the share of harmless texts that it refuses, 0 to 1, on which training puts its threshold. What people type is
 * given half of what documents are: a source that training has not seen has more false alarms than those that the threshold comes from.
 */
export const guardFalseAlarms: Record<'prompt' | 'document', Record<GuardLevel, number>> = {
  prompt: { low: 0.002, medium: 0.005, high: 0.01, paranoid: 0.03 },
  document: { low: 0.002, medium: 0.01, high: 0.02, paranoid: 0.05 },
};

/** A verdict on a text that comes in: what the rules found, and what the classifier thinks of it. */
export interface GuardJudgement extends GuardResult {
  mode: GuardMode;
  level: GuardLevel;
  /** Of the classifier, 0 to 1. From `threshold` on it refuses, and `classifier` is among the reasons. */
  score: number;
  threshold: number;
  /** SHA-256 of the file of the weights, in hex. */
  model: string;
  /** What the second opinion said; absent where none was asked: none is configured, or the score was clear. */
  second?: SecondOpinion;
}

/** A figure of another model about a text, or why there is none. From `threshold` on it refuses. */
export type SecondOpinion =
  | { probability: number; threshold: number; model: string }
  | { failed: string; model: string };

/** Kinds of personal data that answers can be watched for. */
export const personalKinds = ['email', 'phone', 'card', 'iban', 'nir'] as const;
export type PersonalKind = (typeof personalKinds)[number];

/** Longest time that text is held back, in ms. */
export const HOLD_MS_MAX = 2000;

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
  /** What is held: where in the answer it begins, and how many code units. */
  held(): { from: number; count: number };
  /** Releases what has been held for HOLD_MS_MAX, though it may be the beginning of a match; what follows it is cut all the same. */
  expire(): OutputStep;
  finish(): OutputStep;
}

export interface CheckOptions {
  /** `prompt` when not given. */
  mode?: GuardMode | undefined;
  /** The configured one when not given. */
  level?: GuardLevel | undefined;
  /** Whether the model that gets the text can use tools: then orders to run code are refused. False when not given. */
  tools?: boolean | undefined;
}

export interface WatchOptions {
  /** Text that must not leak. */
  systemPrompt?: string | undefined;
  /** A word that stands in the system prompt and nowhere else: an answer with it is cut. */
  canary?: string | undefined;
  /** `enforce` when not given; `observe` reports a cut without cutting, `off` watches nothing. */
  action?: GuardAction | undefined;
}

export interface Guard {
  /** Judges what comes in; the caller enforces. Linear time, in this thread. Throws a RangeError above GUARD_TEXT_MAX. */
  checkPrompt(text: string, options?: CheckOptions): GuardJudgement;
  /**
   * The same; a long text is judged in another thread. Rejects with AppError `payload_too_large` above GUARD_TEXT_MAX and `queue_full`
   * when too many long texts wait. Where the score is near its threshold and a second opinion is configured, that is asked, too.
   */
  detect(text: string, options?: CheckOptions): Promise<GuardJudgement>;
  /** The text without what the reasons point at (`[…]` stands there) and without characters that nobody sees. */
  sanitize(text: string, reasons: readonly GuardReason[]): string;
  /** A watcher for one answer. */
  watchOutput(options: WatchOptions): OutputGuard;
  /** Ids of the rules in force. */
  rules(): string[];
}
