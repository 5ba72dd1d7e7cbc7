import type { GuardMode } from '../../contracts/guard.js';
import { PromptRules } from '../prompt.js';
import { rules } from '../rules/index.js';
import { tell, trainingFlags } from './command.js';
import { crossScores, type Fold, isTestCarrier, type Scored, thresholdFor } from './folds.js';
import { obfuscations } from './obfuscate.js';
import { plant } from './plant.js';
import { explicitGroups, triggerGroups } from './quality.js';
import { pick, seeded } from './random.js';
import { type Rate, rate, show, spread, table } from './report.js';
import { loadRivals } from './rivals.js';
import { type Row, readings, readRows } from './rows.js';
import { documentGroups, harmlessScores, promptGroups, shares } from './thresholds.js';

const ATTACKS_MAX = 200;
const SEED = 7;

const ruleSet = new PromptRules(rules);
const verdicts = new Map<string, boolean>();
function ruleRefuses(text: string, mode: GuardMode): boolean {
  const key = `${mode} ${text}`;
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const refuses = ruleSet.check(text, undefined, { mode, tools: false }).verdict === 'refuse';
  verdicts.set(key, refuses);
  return refuses;
}

/** A part of the guard as it is measured. */
type Detector = (one: { text: string; mode: GuardMode; score: number; threshold: number }) => boolean;
type NamedDetector = readonly [name: string, detector: Detector];
const detectors: readonly NamedDetector[] = [
  ['classifier', ({ score, threshold }) => score >= threshold],
  ['rules', ({ text, mode }) => ruleRefuses(text, mode)],
  ['guard', ({ text, mode, score, threshold }) => score >= threshold || ruleRefuses(text, mode)],
];

async function main(): Promise<void> {
  const { data, rivals } = trainingFlags();
  const rows = readRows(data);
  const { folds, scored } = crossScores(rows, tell);
  const others = rivals === undefined ? [] : await rivalDetectors(rivals, rows);
  tell(
    `\nThresholds at ${shares.prompt.medium * 100} % false alarms on harmless prompts and ${shares.document.medium * 100} % on harmless documents of other sources.\n`,
  );
  prompts(scored, [...detectors, ...others]);
  documents(rows, folds, scored);
  hidden(rows, folds, scored);
  levels(scored);
}

function measured(
  scored: readonly Scored[],
  threshold: number,
  mode: GuardMode,
  which: (row: Row) => boolean,
  by: readonly NamedDetector[] = detectors,
): Rate[] {
  const some = scored.filter(({ row }) => which(row));
  return by.map(([, detect]) =>
    rate(
      some.filter((one) => detect({ text: one.row.text, mode, score: one[mode], threshold })).length,
      some.length,
    ),
  );
}

const heads = ['', ...detectors.map(([name]) => name)];

/** What others find, each asked once about each prompt. */
async function rivalDetectors(folder: string, rows: readonly Row[]): Promise<NamedDetector[]> {
  const prompts = rows.filter(
    ({ group }) => !['readmes', 'documents', 'planted', 'parts', 'phrases'].includes(group),
  );
  const found: NamedDetector[] = [];
  for (const { name, finds } of await loadRivals(folder)) {
    const attacks = new Set<string>();
    for (const { text } of prompts) if (await finds(text)) attacks.add(text);
    found.push([name, ({ text }) => attacks.has(text)]);
  }
  return found;
}

function prompts(scored: readonly Scored[], by: readonly NamedDetector[]): void {
  const heads = ['', ...by.map(([name]) => name)];
  const lines: string[][] = [];
  const add = (name: string, rates: readonly Rate[]) => lines.push([name, ...rates.map(show)]);
  const overall = thresholdFor(shares.prompt.medium, harmlessScores(scored, 'prompt'));
  // The threshold for a harmless source comes from the others.
  const harmless = promptGroups.map((group) => {
    const threshold = thresholdFor(shares.prompt.medium, harmlessScores(scored, 'prompt', group));
    const rates = measured(scored, threshold, 'prompt', (row) => row.group === group && row.label === 0, by);
    add(`harmless: ${group}`, rates);
    return rates;
  });
  lines.push([
    '**harmless, mean**',
    ...heads.slice(1).map((_, at) => spread(harmless.map((rates) => rates[at] ?? rate(0, 0)))),
  ]);
  for (const lang of ['en', 'fr'])
    add(
      `harmless with trigger words, ${lang}`,
      measured(
        scored,
        overall,
        'prompt',
        (row) => row.label === 0 && row.lang === lang && triggerGroups.includes(row.group),
        by,
      ),
    );
  const attacks: Rate[][] = [];
  for (const group of [...explicitGroups, 'deepset', 'jailbreaks', 'pairs', 'prompts']) {
    for (const lang of ['en', 'fr', 'de', 'xx']) {
      const rates = measured(
        scored,
        overall,
        'prompt',
        (row) => row.label === 1 && row.group === group && row.lang === lang,
        by,
      );
      if ((rates[0]?.of ?? 0) < 5) continue;
      add(`attacks: ${group}, ${lang}`, rates);
      if (explicitGroups.includes(group)) attacks.push(rates);
    }
  }
  for (const lang of ['en', 'fr'])
    add(
      `**explicit attacks, ${lang}, without templates**`,
      measured(
        scored,
        overall,
        'prompt',
        (row) =>
          row.label === 1 &&
          row.lang === lang &&
          row.group !== 'templates' &&
          explicitGroups.includes(row.group),
        by,
      ),
    );
  lines.push([
    '**explicit attacks, mean**',
    ...heads.slice(1).map((_, at) => spread(attacks.map((rates) => rates[at] ?? rate(0, 0)))),
  ]);
  tell(`### Prompts\n\n${table(heads, lines)}\n`);
}

/** Rows that are short attacks, at most ATTACKS_MAX of them, evenly spread. */
function someAttacks(rows: readonly Row[], which: (row: Row) => boolean): Row[] {
  const all = rows.filter((row) => row.label === 1 && row.folded.length < 400 && which(row));
  const step = Math.max(1, Math.ceil(all.length / ATTACKS_MAX));
  return all.filter((_, index) => index % step === 0);
}

function documents(rows: readonly Row[], folds: readonly Fold[], scored: readonly Scored[]): void {
  const lines: string[][] = [];
  for (const group of documentGroups) {
    const threshold = thresholdFor(shares.document.medium, harmlessScores(scored, 'document', group));
    lines.push([
      `clean: ${group}`,
      ...measured(scored, threshold, 'document', (row) => row.group === group && row.label === 0).map(show),
    ]);
  }
  const threshold = thresholdFor(shares.document.medium, harmlessScores(scored, 'document'));
  lines.push([
    'clean: own mails and pages full of trigger words',
    ...measured(scored, threshold, 'document', isTestCarrier).map(show),
  ]);
  const carriers = rows.filter(isTestCarrier);
  const all: Rate[][] = [];
  for (const { groups, scorer } of folds) {
    for (const group of groups) {
      for (const lang of ['en', 'fr']) {
        const fitting = carriers.filter((row) => row.lang === lang);
        const random = seeded(SEED);
        const attacks = someAttacks(rows, (row) => row.group === group && row.lang === lang);
        if (attacks.length < 5) continue;
        const tried = attacks.map(({ folded }) => {
          const { text } = plant(pick(fitting, random).folded, folded, random);
          return { text, mode: 'document' as const, score: scorer.document(text).score, threshold };
        });
        const rates = detectors.map(([, detect]) => rate(tried.filter(detect).length, tried.length));
        lines.push([`planted: ${group}, ${lang}`, ...rates.map(show)]);
        if (explicitGroups.includes(group)) all.push(rates);
      }
    }
  }
  lines.push([
    '**planted explicit attacks, mean**',
    ...heads.slice(1).map((_, at) => spread(all.map((rates) => rates[at] ?? rate(0, 0)))),
  ]);
  tell(`### Documents\n\n${table(heads, lines)}\n`);
}

/** Of attacks that are found in the open: the share that is found when hidden. */
function hidden(rows: readonly Row[], folds: readonly Fold[], scored: readonly Scored[]): void {
  const threshold = thresholdFor(shares.prompt.medium, harmlessScores(scored, 'prompt'));
  const found = folds.flatMap(({ groups, scorer }) => {
    const refused = (text: string) =>
      ruleRefuses(text, 'prompt') || readings(text).views.some((view) => scorer.prompt(view) >= threshold);
    return someAttacks(rows, ({ group }) => groups.includes(group) && explicitGroups.includes(group))
      .filter(({ text }) => refused(text))
      .map(({ text }) => ({ text, refused }));
  });
  const rates = Object.entries(obfuscations).map(([name, hide]) => ({
    name,
    rate: rate(found.filter(({ text, refused }) => refused(hide(text))).length, found.length),
  }));
  tell(
    `### Hidden attacks, relative to plain\n\n${table(
      ['', 'guard'],
      [...rates.map((one) => [one.name, show(one.rate)]), ['**mean**', spread(rates.map((one) => one.rate))]],
    )}\n`,
  );
}

/** What each level costs and brings. */
function levels(scored: readonly Scored[]): void {
  const lines = (['low', 'medium', 'high', 'paranoid'] as const).map((level) => {
    const threshold = thresholdFor(shares.prompt[level], harmlessScores(scored, 'prompt'));
    const of = (which: (row: Row) => boolean) =>
      measured(scored, threshold, 'prompt', which)[2] ?? rate(0, 0);
    return [
      level,
      `${shares.prompt[level] * 100} %`,
      show(of((row) => row.label === 0 && promptGroups.includes(row.group))),
      show(of((row) => row.label === 0 && ['pairs', 'prompts'].includes(row.group))),
      ...['en', 'fr'].map((lang) =>
        show(
          of(
            (row) =>
              row.label === 1 &&
              row.lang === lang &&
              row.group !== 'templates' &&
              explicitGroups.includes(row.group),
          ),
        ),
      ),
    ];
  });
  const columns = ['level', 'aimed at', 'false alarms', 'with trigger words', 'explicit attacks, en', 'fr'];
  tell(`### Levels (prompts, guard)\n\n${table(columns, lines)}\n`);
}

await main();
