/** The modified z-score of Iglewicz and Hoaglin (1993): 3.5 or more is an outlier. */
export const anomalyScore = 3.5;
/** Makes the median absolute deviation of a normal distribution its standard deviation. */
const madScale = 1.4826;

export interface Baseline {
  median: number;
  /** Median absolute deviation from it. */
  mad: number;
}

/** Median and its absolute deviation: half of the hours may be wild and they stay. @throws RangeError for no values. */
export function baselineOf(values: readonly number[]): Baseline {
  const middle = medianOf(values);
  return { median: middle, mad: medianOf(values.map((value) => Math.abs(value - middle))) };
}

/**
 * How many robust standard deviations a value lies above its baseline. `noise` is the deviation that chance alone gives: where nothing ever
 * happened the learned one is 0, and every value would be infinitely far away.
 */
export function robustScore(value: number, { median: middle, mad }: Baseline, noise: number): number {
  return (value - middle) / Math.max(mad * madScale, noise);
}

/** @throws RangeError for no values. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('there is no median of no values');
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
