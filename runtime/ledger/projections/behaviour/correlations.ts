import { anomalyScore } from '../baseline.js';
import { type DeviceRow, hourMs } from '../hours.js';
import type { NumberedHour } from '../seasonal.js';
import type { Look } from './finding.js';

/** Figures that may go together: a cooling that fails lifts the temperature from the load; a leak frees memory from it. */
const pairs = [
  ['cpu', 'temperature_c'],
  ['cpu', 'ram'],
] as const satisfies readonly (readonly [keyof DeviceRow, keyof DeviceRow])[];

const rowsNeeded = 12;
const rowsBeforeNeeded = 60;
/** A correlation weaker than this was none. */
const correlationMin = 0.5;
/** Perfect correlations have no finite z. */
const nearlyOne = 0.999;

/** Ranks from 1; equal values share the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const given = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && order[to + 1]!.value === order[from]!.value) to++;
    for (let at = from; at <= to; at++) given[order[at]!.index] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return given;
}

/** Spearman's rank correlation, −1 to 1; undefined where one of them never changes. */
export function rankCorrelation(pairs: readonly (readonly [number, number])[]): number | undefined {
  const [x, y] = [0, 1].map((side) => ranks(pairs.map((pair) => pair[side]!)));
  const middle = (pairs.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  for (let i = 0; i < pairs.length; i++) {
    const [dx, dy] = [x![i]! - middle, y![i]! - middle];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx === 0 || yy === 0 ? undefined : xy / Math.sqrt(xx * yy);
}

const z = (correlation: number) => Math.atanh(Math.max(-nearlyOne, Math.min(nearlyOne, correlation)));

function readings(hours: readonly NumberedHour[], one: keyof DeviceRow, other: keyof DeviceRow) {
  return hours.flatMap(([, { rows }]) =>
    rows.values.flatMap((row) =>
      row[one] === undefined || row[other] === undefined ? [] : [[row[one], row[other]] as const],
    ),
  );
}

/**
 * Pairs of figures that used to go together and no longer do, or the other way about. Two rank correlations are compared by Fisher's z with
 * the variance 1.06 / (n − 3) that Fieller, Hartley and Pearson (Biometrika 44, 1957) give for Spearman's.
 */
export const correlations: Look = (window, before) =>
  pairs.flatMap(([one, other]) => {
    const now = readings(window, one, other);
    const then = readings(before, one, other);
    if (now.length < rowsNeeded || then.length < rowsBeforeNeeded) return [];
    const usual = rankCorrelation(then);
    // A figure that stands still while the other moves goes with nothing.
    const value = rankCorrelation(now) ?? 0;
    if (usual === undefined || Math.abs(usual) < correlationMin) return [];
    const moved = new Set(now.map(([x]) => x)).size > 1;
    if (!moved) return [];
    const deviation = Math.sqrt(1.06 / (now.length - 3) + 1.06 / (then.length - 3));
    const score = (z(value) - z(usual)) / deviation;
    if (Math.abs(score) < anomalyScore) return [];
    const numbers = { value, median: usual, score, readings: now.length, readings_before: then.length };
    const hour_ms = window.at(-1)![0] * hourMs;
    const figure = `${one}~${other}`;
    return [{ kind: 'correlation' as const, figure, hour_ms, against: 'all_hours' as const, numbers }];
  });
