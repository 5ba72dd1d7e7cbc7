import type { DegradationLevel } from '../contracts/device.js';

/** How a level limits prompts. */
export interface Limits {
  /** Share of an engine's queue that may be used, 0 to 1; the bound is rounded up. */
  queueShare: number;
  /** Whether engines with a language model answer. */
  models: boolean;
  /** Whether the navigator answers. */
  navigator: boolean;
}

/** What each level limits; the words below are made from it. */
const table: Readonly<Record<DegradationLevel, Limits>> = {
  normal: { queueShare: 1, models: true, navigator: true },
  light: { queueShare: 1, models: true, navigator: true },
  moderate: { queueShare: 0.5, models: true, navigator: true },
  heavy: { queueShare: 0, models: true, navigator: true },
  emergency: { queueShare: 0, models: false, navigator: true },
  survival: { queueShare: 0, models: false, navigator: false },
};

/** What is shed at a level, in words: only what it really sheds. Nothing at `normal` and `light`. */
export function shedAt(level: DegradationLevel): string[] {
  const { queueShare, models, navigator } = table[level];
  if (!navigator) return ['all engines: no prompt is answered'];
  const words: string[] = [];
  if (!models) words.push('engines with a language model: only the navigator answers');
  if (queueShare === 0) words.push('waiting for an engine: prompts start at once or are refused');
  else if (queueShare < 1) words.push('half of the places in the queue of each engine');
  return words;
}

export function limitsAt(level: DegradationLevel): Limits {
  return table[level];
}
