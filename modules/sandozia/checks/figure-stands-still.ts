import type { DeviceSample } from '../../../runtime/contracts/device.js';
import { type Check, type Finding, ok } from './check.js';

const figures = ['cpu', 'ram', 'temperature_c'] as const;
type Figure = (typeof figures)[number];

/** Equal readings in a row that no living device gives: two minutes at the default interval for load and memory; heat is told in whole steps. */
const SAMPLES: Record<Figure, number> = { cpu: 24, ram: 240, temperature_c: 720 };
/** Where a figure may well stay. */
const ends = new Set([0, 100]);

/** A sensor that hangs goes on telling the same. That may be so: it is worth a word, and no contradiction. */
export class FigureStandsStill implements Check {
  readonly name = 'figure_stands_still';
  readonly kind = 'behavioural_pattern';
  readonly about = 'Load, memory and temperature move, as they do on every device that runs.';
  readonly #same = new Map<Figure, { value: number; count: number }>();

  sampled(sample: DeviceSample): void {
    for (const figure of figures) {
      const value = sample[figure];
      const before = this.#same.get(figure);
      if (value === undefined || ends.has(value)) this.#same.delete(figure);
      else if (before?.value === value) before.count += 1;
      else this.#same.set(figure, { value, count: 1 });
    }
  }

  compare(): Finding {
    for (const [figure, { value, count }] of this.#same) {
      if (count >= SAMPLES[figure]) {
        return { level: 'info', fault: 'stands_still', evidence: { figure, value, samples: count } };
      }
    }
    return ok;
  }
}
