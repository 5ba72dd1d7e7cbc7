import type { DeviceSample } from '../../runtime/contracts/device.js';

/** How many samples are kept: ten minutes at the default interval, about 30 kB. */
export const SAMPLES_MAX = 120;

/** The last samples, oldest first. */
export class SampleHistory {
  readonly #samples: DeviceSample[] = [];

  add(sample: DeviceSample): void {
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  get last(): DeviceSample | undefined {
    return this.#samples.at(-1);
  }

  all(): readonly DeviceSample[] {
    return this.#samples;
  }
}
