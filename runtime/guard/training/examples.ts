import { classifierWindows } from '../../../core-wasm/index.js';
import { composedPrompts } from './compose.js';
import type { Example } from './fit.js';
import { pick } from './random.js';
import type { Row } from './rows.js';

/** A head has 2^bits weights. */
export const BITS = { prompt: 17, document: 16 };
/** Longest attack that is an example of a window of a document, in characters. */
const PHRASE_MAX = 300;

const known = new Map<string, Int32Array>();

/** The features of a folded text as one window. */
export function wholeFeatures(folded: string, bits: number): Int32Array {
  const key = `${bits} ${folded}`;
  const seen = known.get(key);
  if (seen !== undefined) return seen;
  const [whole] = classifierWindows(Buffer.from(folded), { bits, window: 0, step: 1 });
  const features = Int32Array.from(whole?.features ?? []);
  known.set(key, features);
  return features;
}

/** How much a row counts: what was written by hand counts more than what came out of templates or an archive. */
function weightOf({ group, label }: Row): number {
  if (
    group === 'feedback' ||
    group === 'pairs' ||
    group === 'prompts' ||
    group === 'own-french' ||
    group === 'planted'
  )
    return 2;
  if (group === 'templates') return 0.5;
  return label === 1 ? 1 : 0.7;
}

/** Examples for the head `prompt`: whole texts, and attacks behind a harmless beginning. */
export function promptExamples(rows: readonly Row[], random: () => number): Example[] {
  const own = rows.filter(({ group }) => !['planted', 'phrases', 'parts', 'readmes'].includes(group));
  const examples = own.map((row) => ({
    features: wholeFeatures(row.folded, BITS.prompt),
    label: row.label,
    weight: weightOf(row),
  }));
  const attacks = own.filter(({ label, folded }) => label === 1 && folded.length < 400);
  const harmless = own.filter(({ label, folded }) => label === 0 && folded.length < 300);
  for (const row of attacks) {
    const before = pick(harmless, random);
    const mark = pick([' ', '. ', ' - ', '\n', ': '], random);
    const text = random() < 0.8 ? before.folded + mark + row.folded : row.folded + mark + before.folded;
    examples.push({ features: wholeFeatures(text, BITS.prompt), label: 1, weight: 0.5 * weightOf(row) });
    // The same length and mark without an attack.
    const after = pick(harmless, random);
    examples.push({
      features: wholeFeatures(before.folded + mark + after.folded, BITS.prompt),
      label: 0,
      weight: 0.7,
    });
  }
  examples.push(...partExamples(rows, random, BITS.prompt));
  return examples;
}

function partExamples(rows: readonly Row[], random: () => number, bits: number): Example[] {
  const parts = rows.filter(({ group }) => group === 'parts');
  return composedPrompts(parts, random).map((text) => ({
    features: wholeFeatures(text, bits),
    label: 0,
    weight: 0.7,
  }));
}

/**
 * Examples for the head `document`, which reads phrases: attacks, and harmless prompts and sentences. The phrases of harmless
 * documents that look most like an attack are added by training, see train-model.ts.
 */
export function phraseExamples(rows: readonly Row[], random: () => number): Example[] {
  const phrases = rows.filter(
    // What a person may order, a document may not.
    ({ group, kind, folded }) =>
      group !== 'parts' && group !== 'readmes' && kind !== 'command' && folded.length <= PHRASE_MAX,
  );
  return [
    ...phrases.map((row) => ({
      features: wholeFeatures(row.folded, BITS.document),
      label: row.label,
      weight: weightOf(row),
    })),
    ...partExamples(rows, random, BITS.document),
  ];
}
