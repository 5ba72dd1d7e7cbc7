import { BITS, phraseExamples, promptExamples, wholeFeatures } from './examples.js';
import { type Example, type FitOptions, fitWeights, quantise } from './fit.js';
import { seeded } from './random.js';
import type { Row } from './rows.js';
import { type Head, Scorer } from './scorer.js';

export interface Trained {
  prompt: Head;
  document: Head;
}

const SEED = 20_260_401;
const promptOptions = { bits: BITS.prompt, epochs: 16, rate: 0.05, l2: 1e-4, seed: SEED };
const documentOptions = { bits: BITS.document, epochs: 8, rate: 0.25, l2: 1e-4, seed: SEED };
/** How often the worst phrases of the harmless documents are added and the head is trained again. */
const ROUNDS = 3;
/** Phrases below this are harmless to the head already. */
const WORST_MIN = -3;
const WORST_WEIGHT = 1;

/** Trains both heads. The same rows give the same heads. */
export function trainModel(rows: readonly Row[]): Trained {
  const prompt = headOf(promptExamples(rows, seeded(SEED)), promptOptions);
  const examples = phraseExamples(rows, seeded(SEED + 1));
  const documents = rows.filter(({ label, group }) => label === 0 && group !== 'parts');
  const seen = new Set<string>();
  let document = headOf(examples, documentOptions);
  for (let round = 0; round < ROUNDS; round++) {
    const scorer = new Scorer(prompt, document);
    for (const { folded } of documents) {
      const { score, phrase } = scorer.document(folded);
      if (score < WORST_MIN || seen.has(phrase)) continue;
      seen.add(phrase);
      examples.push({ features: wholeFeatures(phrase, BITS.document), label: 0, weight: WORST_WEIGHT });
    }
    document = headOf(examples, documentOptions);
  }
  return { prompt, document };
}

function headOf(examples: readonly Example[], options: FitOptions): Head {
  const fitted = fitWeights(examples, options);
  return { ...quantise(fitted), bias: fitted.bias, bits: options.bits };
}
