import { classifierFeatures } from '../../../core-wasm/index.js';
import { composedPrompts } from './compose.js';
import type { Example } from './fit.js';
import { type Planted, plant } from './plant.js';
import { pick } from './random.js';
import type { Row } from './rows.js';

export const BITS = 16;
/** Tokens of a window of a document, and from one window to the next. */
export const WINDOW = { window: 32, step: 12 };
const WHOLE = { window: 0, step: 1 };

/** Groups whose harmless rows are documents, or sentences that documents are made of. */
const documentGroups = ['documents', 't0', 'tldr', 'quizz', 'templates', 'own-french', 'pairs', 'prompts'];
/** Share of an attack, or of a window, that must lie in the other for the window to be an example of an attack. */
const OVERLAP_MIN = 0.6;

const known = new Map<string, Int32Array>();

/** The features of a folded text as one window. */
export function wholeFeatures(folded: string): Int32Array {
  const seen = known.get(folded);
  if (seen !== undefined) return seen;
  const [whole] = classifierFeatures(Buffer.from(folded), { bits: BITS, ...WHOLE });
  const features = Int32Array.from(whole?.features ?? []);
  known.set(folded, features);
  return features;
}

/** The features of each window of a folded document. */
export function windowsOf(folded: string): { from: number; to: number; features: Int32Array }[] {
  return classifierFeatures(Buffer.from(folded), { bits: BITS, ...WINDOW }).map(({ from, to, features }) => ({
    from,
    to,
    features: Int32Array.from(features),
  }));
}

/** How much a row counts: what was written by hand counts more than what came out of templates or an archive. */
function weightOf({ group, label }: Row): number {
  if (group === 'pairs' || group === 'prompts' || group === 'own-french' || group === 'planted') return 2;
  if (group === 'templates') return 0.5;
  return label === 1 ? 1 : 0.7;
}

/** Examples for the head `prompt`: whole texts, and attacks behind a harmless beginning. */
export function promptExamples(rows: readonly Row[], random: () => number): Example[] {
  const own = rows.filter(({ group }) => group !== 'planted' && group !== 'parts');
  const examples = own.map((row) => ({
    features: wholeFeatures(row.folded),
    label: row.label,
    weight: weightOf(row),
  }));
  const attacks = own.filter(({ label, folded }) => label === 1 && folded.length < 400);
  const harmless = own.filter(({ label, folded }) => label === 0 && folded.length < 300);
  for (const row of attacks) {
    const before = pick(harmless, random);
    const mark = pick([' ', '. ', ' - ', '\n', ': '], random);
    const text = random() < 0.8 ? before.folded + mark + row.folded : row.folded + mark + before.folded;
    examples.push({ features: wholeFeatures(text), label: 1, weight: 0.5 * weightOf(row) });
    // The same length and mark without an attack.
    const after = pick(harmless, random);
    examples.push({ features: wholeFeatures(before.folded + mark + after.folded), label: 0, weight: 0.7 });
  }
  for (const text of composedPrompts(
    rows.filter(({ group }) => group === 'parts'),
    random,
  ))
    examples.push({ features: wholeFeatures(text), label: 0, weight: 0.7 });
  return examples;
}

/** A harmless text of one to four pieces. */
function composed(pieces: readonly Row[], random: () => number): string {
  const first = pick(pieces, random);
  if (first.folded.length > 300) return first.folded.slice(0, 3000);
  let text = first.folded;
  for (let more = Math.floor(random() * 4); more > 0; more--) {
    const next = pick(pieces, random);
    if (next.lang === first.lang) text += `${pick(['\n', ' '], random)}${next.folded.slice(0, 1500)}`;
  }
  return text;
}

/** Examples for the head `document`: windows of harmless documents, and of the same with an attack planted in them. */
export function documentExamples(rows: readonly Row[], random: () => number): Example[] {
  const pieces = rows.filter(({ label, group }) => label === 0 && documentGroups.includes(group));
  const carriers = pieces.filter(({ group }) => group === 'documents' || group === 't0' || group === 'tldr');
  const attacks = rows.filter(({ label, folded }) => label === 1 && folded.length < 400);
  const examples: Example[] = [];
  const addAll = (text: string, planted: Planted | undefined, weight: number) => {
    for (const { from, to, features } of windowsOf(text)) {
      const shared = planted === undefined ? 0 : Math.min(to, planted.to) - Math.max(from, planted.from);
      if (planted === undefined || shared <= 0) {
        examples.push({ features, label: 0, weight: 0.3 });
        continue;
      }
      const least = OVERLAP_MIN * Math.min(to - from, planted.to - planted.from);
      if (shared >= least) examples.push({ features, label: 1, weight });
    }
  };
  for (const row of carriers) addAll(row.folded.slice(0, 6000), undefined, 1);
  for (const row of attacks) {
    const copies = row.group === 'planted' ? 4 : row.group === 'templates' ? 1 : 2;
    for (let copy = 0; copy < copies; copy++) {
      const document = composed(random() < 0.6 ? carriers : pieces, random);
      const planted = plant(document.slice(0, 1200), row.folded, random);
      addAll(planted.text, planted, 0.6 * weightOf(row));
    }
  }
  for (const row of pieces) addAll(row.folded.slice(0, 1500), undefined, 1);
  return examples;
}
