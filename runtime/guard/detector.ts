/** Most characters of an answer that are held back while they can still become a match. */
export const HOLD_MAX = 256;

/** The text from here on can never become a match. */
export const DEAD = -2;
/** Undecided: the text ended while it could still become one. */
export const ALIVE = -1;

/**
 * Finds one kind of text in an answer that arrives in pieces.
 *
 * `read` looks at `text` from `from` on and answers DEAD, ALIVE or the index after the character that decided.
 * It must decide as early as it can, within HOLD_MAX characters, and the same whatever follows: then a verdict
 * does not depend on how the answer was cut into pieces.
 */
export interface Detector {
  readonly rule: string;
  readonly en: string;
  readonly fr: string;
  /** Characters that a match can begin with. */
  readonly first: string;
  /** `before` is the character before `from`, '' at the beginning. */
  read(text: string, from: number, before: string): number;
}
