import { anomalyScore, medianOf, robustScore } from '../baseline.js';
import { type DeviceRow, type Hour, hourMs } from '../hours.js';
import { Seasonal } from '../seasonal.js';
import type { Look } from './finding.js';

/** Values of an hour whose median says something about it. */
const valuesNeeded = 3;

function ofHour(values: readonly number[]): number | undefined {
  return values.length < valuesNeeded ? undefined : medianOf(values);
}

const ofRows = (figure: keyof DeviceRow) => (hour: Hour) =>
  ofHour(hour.rows.values.map((row) => row[figure]).filter((value) => value !== undefined));

/** Series, and the deviation below which none is worth a word. */
const series: readonly { figure: string; value(hour: Hour): number | undefined; noise: number }[] = [
  { figure: 'cpu', value: ofRows('cpu'), noise: 2 },
  { figure: 'ram', value: ofRows('ram'), noise: 1 },
  { figure: 'disk', value: ofRows('disk'), noise: 0.5 },
  { figure: 'temperature_c', value: ofRows('temperature_c'), noise: 1 },
  { figure: 'confidence', value: (hour) => ofHour(hour.confidence.values), noise: 0.02 },
];

/** Hours whose median lies far from what it usually is at that hour of the day, above or below. */
export const anomalies: Look = (window, before) =>
  series.flatMap(({ figure, value, noise }) => {
    const seasonal = new Seasonal(before, value);
    return window.flatMap(([number, hour]) => {
      const found = value(hour);
      const usual = seasonal.at(number);
      if (found === undefined || usual === undefined) return [];
      const score = robustScore(found, usual, noise);
      if (Math.abs(score) < anomalyScore) return [];
      const { median, mad, against, hours } = usual;
      const numbers = { value: found, median, mad, score, hours };
      return [{ kind: 'anomaly' as const, figure, hour_ms: number * hourMs, against, numbers }];
    });
  });
