import { type Baseline, baselineOf } from './baseline.js';
import type { Hour } from './hours.js';

/** Hours that must say something about a figure before anything is called unusual. */
export const hoursNeeded = 12;
/** The same hour of so many days before that hour is held against its like only. */
const daysNeeded = 7;

export type NumberedHour = readonly [number: number, hour: Hour];

export interface Usual extends Baseline {
  /** The hours that it was learned from. */
  against: 'all_hours' | 'same_hour';
  hours: number;
}

/**
 * What a figure usually is: at the hour of the day that is asked about once that was seen on seven days, else over all hours. Hours of the day are
 * those of UTC, so that a day has 24 of them wherever the device stands.
 */
export class Seasonal {
  readonly all: Baseline | undefined;
  readonly #hours: number;
  readonly #byHour = new Map<number, number[]>();

  constructor(before: readonly NumberedHour[], figure: (hour: Hour) => number | undefined) {
    const values: number[] = [];
    for (const [number, hour] of before) {
      const value = figure(hour);
      if (value === undefined) continue;
      values.push(value);
      const ofDay = this.#byHour.get(number % 24) ?? [];
      ofDay.push(value);
      this.#byHour.set(number % 24, ofDay);
    }
    this.#hours = values.length;
    this.all = values.length < hoursNeeded ? undefined : baselineOf(values);
  }

  /** Undefined while too little is known. */
  at(number: number): Usual | undefined {
    if (this.all === undefined) return undefined;
    const same = this.#byHour.get(number % 24) ?? [];
    if (same.length < daysNeeded) return { ...this.all, against: 'all_hours', hours: this.#hours };
    return { ...baselineOf(same), against: 'same_hour', hours: same.length };
  }
}
