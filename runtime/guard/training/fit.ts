import { seeded } from './random.js';

/** Features of a text or window, what it is, and how much it counts. */
export interface Example {
  features: Int32Array;
  label: 0 | 1;
  weight: number;
}

/** Weights as numbers: score = (sum of the weights of the features) / √(features) + bias. */
export interface Fitted {
  weights: Float64Array;
  bias: number;
}

export interface FitOptions {
  bits: number;
  epochs: number;
  rate: number;
  /** L2 penalty on a weight, each time it is used. */
  l2: number;
  seed: number;
}

/**
 * Logistic regression by stochastic gradient descent with a rate for each weight (Duchi, Hazan, Singer: AdaGrad, JMLR 2011).
 * Each example has length 1, so long texts do not pull harder. The order is shuffled from the seed.
 */
export function fitWeights(
  examples: readonly Example[],
  { bits, epochs, rate, l2, seed }: FitOptions,
): Fitted {
  const weights = new Float64Array(1 << bits);
  const squares = new Float64Array(1 << bits).fill(1e-3);
  let bias = 0;
  let biasSquares = 1e-3;
  const random = seeded(seed);
  const order = examples.map((_, index) => index);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let last = order.length - 1; last > 0; last--) {
      const other = Math.floor(random() * (last + 1));
      [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
    }
    for (const index of order) {
      const example = examples[index];
      if (example === undefined || example.features.length === 0) continue;
      const { features, label, weight } = example;
      const value = 1 / Math.sqrt(features.length);
      let sum = 0;
      for (const feature of features) sum += weights[feature] ?? 0;
      const slope = (1 / (1 + Math.exp(-(sum * value + bias))) - label) * weight;
      biasSquares += slope * slope;
      bias -= (rate * slope) / Math.sqrt(biasSquares);
      for (const feature of features) {
        const old = weights[feature] ?? 0;
        const step = slope * value + l2 * old;
        const square = (squares[feature] ?? 0) + step * step;
        squares[feature] = square;
        weights[feature] = old - (rate * step) / Math.sqrt(square);
      }
    }
  }
  return { weights, bias };
}

/** The weights as i8 and what a weight of 1 stands for. The largest few in a thousand are cut to the ends. */
export function quantise({ weights }: Fitted): { weights: Int8Array; scale: number } {
  const sizes = weights.map(Math.abs).sort();
  const largest = sizes[Math.floor(sizes.length * 0.9995)] ?? 0;
  const scale = largest > 0 ? largest / 127 : 1;
  const cut = Int8Array.from(weights, (weight) => Math.max(-127, Math.min(127, Math.round(weight / scale))));
  return { weights: cut, scale };
}
