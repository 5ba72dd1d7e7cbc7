import { anomalyScore, medianOf, robustScore } from '../baseline.js';
import { hourMs } from '../hours.js';
import { Seasonal } from '../seasonal.js';
import type { Look } from './finding.js';

/** Answers in the window that are needed, and how much slower its median must be than it was. */
const answersNeeded = 5;
const slowerMin = 1.2;
/** A deviation of a tenth of the median is no news, however even it was before. */
const noiseShare = 0.1;

/** Engines that answer slower than they did: time to the first text, and time per token. */
export const regressions: Look = (window, before) => {
  const names = new Set(window.flatMap(([, hour]) => [...hour.speeds.keys()]));
  return [...names].sort().flatMap((figure) => {
    const values = window.flatMap(([, hour]) => [...(hour.speeds.get(figure)?.values ?? [])]);
    const { all: usual } = new Seasonal(before, (hour) => {
      const ofHour = hour.speeds.get(figure)?.values;
      return ofHour === undefined ? undefined : medianOf(ofHour);
    });
    if (values.length < answersNeeded || usual === undefined) return [];
    const value = medianOf(values);
    const { median, mad } = usual;
    const score = robustScore(value, usual, Math.max(noiseShare * median, 1e-9));
    if (score < anomalyScore || value < slowerMin * median) return [];
    const numbers = {
      value,
      median,
      mad,
      score,
      times_slower: value / Math.max(median, 1e-9),
      answers: values.length,
    };
    const hour_ms = window.at(-1)![0] * hourMs;
    return [{ kind: 'regression' as const, figure, hour_ms, against: 'all_hours' as const, numbers }];
  });
};
