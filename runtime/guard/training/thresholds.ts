import { guardFalseAlarms } from '../../contracts/guard.js';
import type { ModelHead } from '../classifier/model-file.js';
import { type Scored, thresholdFor } from './folds.js';

/** Share of false alarms on harmless texts of groups that training has not seen, for each level and for a notice. */
export const shares = {
  prompt: { ...guardFalseAlarms.prompt, notice: 0.06 },
  document: { ...guardFalseAlarms.document, notice: 0.1 },
};

/** Groups whose harmless rows are what people ask, and those that are documents. */
export const promptGroups = [
  'ifeval',
  'self-instruct',
  'awesome',
  't0',
  'home-assistant',
  'quizz',
  'tldr',
  'deepset',
];
export const documentGroups = ['readmes', 't0', 'tldr'];

/** Scores of the harmless rows by group, without one group when it is named. */
export function harmlessScores(
  scored: readonly Scored[],
  mode: 'prompt' | 'document',
  without?: string,
): Map<string, number[]> {
  const byGroup = new Map<string, number[]>();
  for (const group of mode === 'prompt' ? promptGroups : documentGroups) {
    if (group === without) continue;
    byGroup.set(
      group,
      scored.filter(({ row }) => row.label === 0 && row.group === group).map((one) => one[mode]),
    );
  }
  return byGroup;
}

/** The thresholds of a mode, from harmless rows of groups that training has not seen. */
export function thresholdsOf(
  scored: readonly Scored[],
  mode: 'prompt' | 'document',
): ModelHead['thresholds'] {
  const byGroup = harmlessScores(scored, mode);
  const at = (share: number) => Math.round(thresholdFor(share, byGroup) * 1000) / 1000;
  return {
    low: at(shares[mode].low),
    medium: at(shares[mode].medium),
    high: at(shares[mode].high),
    paranoid: at(shares[mode].paranoid),
    notice: at(shares[mode].notice),
  };
}
