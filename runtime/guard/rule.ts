import type { GuardMode } from '../contracts/guard.js';
import type { View } from './view.js';

export type Severity = 'flag' | 'refuse';

/** What is known of the text that is judged. */
export interface Scope {
  mode: GuardMode;
  /** Whether the model that gets the text can use tools. */
  tools: boolean;
}

/** Something a rule found by signs instead of words; places in what was scanned. */
export interface Finding {
  from: number;
  to: number;
  severity: Severity;
}

/** One kind of attack. Each rule is a file in `rules/`, its attacks and harmless twins in the test beside it. */
export interface Rule {
  /** Stable: users configure and the ledger records it. */
  readonly id: string;
  /** The most that this rule can say. */
  readonly severity: Severity;
  /** What it found, for the person who typed. */
  readonly en: string;
  readonly fr: string;
  /** Phrases (see `phrase.ts`) that carry the severity. */
  readonly phrases?: readonly string[];
  /** Phrases that are a `flag` and no more. */
  readonly hints?: readonly string[];
  /** Whether what is quoted in a question about it, or is asked about, is a `flag` only. */
  readonly softens: boolean;
  /** Whether it looks at what tools, files and pages bring only: there an order is nobody's word. */
  readonly documentsOnly?: boolean;
  /** Looks at the signs of a folded reading. Linear. */
  scan?(view: View, scope: Scope): Finding[];
  /** Looks at the text as typed, once; places in that text. Linear. */
  scanTyped?(text: string): Finding[];
}

/** The patterns that join every head with every tail. */
export function cross(heads: readonly string[], tails: readonly string[]): string[] {
  return heads.flatMap((head) => tails.map((tail) => `${head} ${tail}`));
}
