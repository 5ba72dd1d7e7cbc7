import type { DeviceSample } from '../../runtime/contracts/device.js';
import type { Config } from '../../runtime/contracts/module.js';

const figures = ['temperature_c', 'ram', 'disk'] as const;

/**
 * Measured health that no decision waits for: a figure that stays at or beyond its limit for some samples asks for survival, until it
 * has fallen clear of it. A figure that the platform does not tell asks for nothing.
 */
export class SurvivalRule {
  readonly #limits: Config['degradation']['survival'];
  readonly #hysteresis: number;
  readonly #beyond = new Map<string, number>();

  constructor(limits: Config['degradation']['survival'], hysteresis: number) {
    this.#limits = limits;
    this.#hysteresis = hysteresis;
  }

  /** What asks for survival after this sample, such as `ram 99.1`; undefined when nothing does. */
  asks(sample: DeviceSample): string | undefined {
    const asking = figures.flatMap((figure) => {
      const value = sample[figure];
      if (value === undefined) {
        this.#beyond.delete(figure);
        return [];
      }
      const inARow = this.#beyond.get(figure) ?? 0;
      const limit = this.#limits[figure];
      const held = inARow >= this.#limits.samples;
      const beyond = value >= (held ? limit * (1 - this.#hysteresis) : limit);
      this.#beyond.set(figure, beyond ? Math.min(inARow + 1, this.#limits.samples) : 0);
      return beyond && inARow + 1 >= this.#limits.samples ? [`${figure} ${value.toFixed(1)}`] : [];
    });
    return asking.length === 0 ? undefined : asking.join(', ');
  }
}
