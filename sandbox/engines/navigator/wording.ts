import type { FactReader } from './reader.js';

/** Every topic that can be worded. */
export type TopicId =
  | 'greeting'
  | 'identity'
  | 'help'
  | 'health'
  | 'decision'
  | 'temperature'
  | 'memory'
  | 'cpu'
  | 'disk'
  | 'engine'
  | 'breaker'
  | 'sandbox'
  | 'guard'
  | 'config'
  | 'ledger'
  | 'event'
  | 'version'
  | 'unavailable';

/** One language: sentences for each topic from its facts, and what stands around them. */
export interface Wording {
  topics: Record<TopicId, (facts: FactReader) => string[]>;
  emptyQuestion: string;
  nothingFound: string[];
  documentation: string;
  noModel: string[];
  sources: string;
}

/** Sentences whose figures are there; undefined ones are dropped. */
export const sentences = (...lines: (string | undefined)[]): string[] =>
  lines.filter((line) => line !== undefined);

/** Parts whose figures are there, with commas. */
export const listed = (...parts: (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join(', ');

/** A part with its figure, or nothing when the figure is absent. */
export const part = (figure: string | undefined, word: (figure: string) => string): string | undefined =>
  figure === undefined ? undefined : word(figure);
