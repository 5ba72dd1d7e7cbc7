import { BITS, documentExamples, promptExamples, wholeFeatures, windowsOf } from './examples.js';
import { type Example, type Fitted, fitWeights, quantise } from './fit.js';
import { seeded } from './random.js';
import type { Row } from './rows.js';

/** One head of a model as it will be shipped: with weights of 8 bits. */
export interface Head {
  weights: Int8Array;
  scale: number;
  bias: number;
}

export interface Trained {
  prompt: Head;
  document: Head;
}

const SEED = 20_260_401;
const options = { bits: BITS, epochs: 8, rate: 0.25, l2: 1e-4, seed: SEED };

/** Trains both heads. The same rows give the same heads. */
export function trainModel(rows: readonly Row[]): Trained {
  return {
    prompt: headOf(promptExamples(rows, seeded(SEED))),
    document: headOf(documentExamples(rows, seeded(SEED + 1))),
  };
}

function headOf(examples: readonly Example[]): Head {
  const fitted: Fitted = fitWeights(examples, options);
  return { ...quantise(fitted), bias: fitted.bias };
}

function scoreOf({ weights, scale, bias }: Head, features: Int32Array): number {
  let sum = 0;
  for (const feature of features) sum += weights[feature] ?? 0;
  return features.length === 0 ? bias : (scale * sum) / Math.sqrt(features.length) + bias;
}

/** The score of a folded text in the mode `prompt`. */
export function promptScore(trained: Trained, folded: string): number {
  return scoreOf(trained.prompt, wholeFeatures(folded));
}

/** The score of a folded text in the mode `document`. */
export function documentScore(trained: Trained, folded: string): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const { features } of windowsOf(folded)) best = Math.max(best, scoreOf(trained.document, features));
  return best;
}
