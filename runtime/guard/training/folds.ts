import { type Row, readmes } from './rows.js';
import { Scorer } from './scorer.js';
import { trainModel } from './train-model.js';

/**
 * The groups that are left out together. Each holds attacks or harmless texts, mostly both; each group is in one fold. Own
 * mails and pages are left out of every fold: attacks are planted in them.
 */
const folds: readonly (readonly string[])[] = [
  ['own-french', 'ifeval', 'tldr'],
  ['garak', 'giskard', 'self-instruct'],
  ['pallms', 'awesome', 't0'],
  ['deepset', 'home-assistant'],
  ['jailbreaks', 'quizz'],
  ['pairs', 'prompts', 'patterns'],
  ['templates', 'planted', 'phrases'],
];

/** A row with its scores by a model that has seen nothing of its group. */
export interface Scored {
  row: Row;
  fold: number;
  prompt: number;
  document: number;
}

/** A model that has not seen the groups of its fold. */
export interface Fold {
  groups: readonly string[];
  scorer: Scorer;
}

/** Whether attacks are planted in this document when a fold is tested. */
export function isTestCarrier({ group, kind }: Row): boolean {
  return group === 'documents' && (kind === 'mail' || kind === 'page');
}

/** Trains a model for each fold and scores the rows that it left out. */
export function crossScores(
  rows: readonly Row[],
  tell: (line: string) => void,
): { folds: Fold[]; scored: Scored[] } {
  const trained: Fold[] = [];
  const scored: Scored[] = [];
  const carriers = rows.filter(isTestCarrier);
  const foreign = readmes('test');
  folds.forEach((groups, fold) => {
    const seen = rows.filter((row) => !groups.includes(row.group) && !isTestCarrier(row));
    const model = trainModel(seen);
    const scorer = new Scorer(model.prompt, model.document);
    trained.push({ groups, scorer });
    const out = rows.filter(({ group }) => groups.includes(group));
    for (const row of [...out, ...carriers, ...foreign])
      scored.push({
        row,
        fold,
        prompt: Math.max(...row.views.map((view) => scorer.prompt(view))),
        document: Math.max(...row.views.map((view) => scorer.document(view).score)),
      });
    tell(`fold ${fold + 1} of ${folds.length}: ${groups.join(', ')}`);
  });
  return { folds: trained, scored };
}

/**
 * The threshold at which the share of false alarms, as the mean over the groups, is `share`. Groups count alike, so that a
 * large easy one does not hide a small hard one.
 */
export function thresholdFor(share: number, scoresByGroup: ReadonlyMap<string, readonly number[]>): number {
  const groups = [...scoresByGroup.values()].filter((scores) => scores.length > 0);
  let low = -50;
  let high = 50;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    let sum = 0;
    for (const scores of groups) sum += scores.filter((score) => score >= middle).length / scores.length;
    if (sum / groups.length > share) low = middle;
    else high = middle;
  }
  return high;
}
