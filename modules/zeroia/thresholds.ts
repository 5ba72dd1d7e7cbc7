import type { Clock } from '../../runtime/contracts/clock.js';
import type { Levels, Thresholds } from '../../runtime/contracts/decision.js';

export interface AdaptOptions {
  enabled: boolean;
  /** Share of its base by which a threshold moves at once, and is lowered at most. */
  step: number;
  loweredMax: number;
  /** Shortest time between two moves of a figure's thresholds, and before the first. */
  intervalMs: number;
  /** Share of the base by which the mean must fall below it before a threshold is raised again. */
  hysteresis: number;
}

/** The thresholds of one figure that are to move. */
export interface Adjustment {
  figure: keyof Thresholds;
  old: Levels;
  new: Levels;
  base: Levels;
  /** Such as `cpu_mean_above_60`. */
  why: string;
  mean: number;
}

type Figure = keyof Thresholds;

const figures = ['cpu', 'ram', 'temperatureC'] as const satisfies readonly Figure[];
const figureNames: Record<Figure, string> = { cpu: 'cpu', ram: 'ram', temperatureC: 'temperature' };
/** Each new value weighs a fifth, so about the last ten samples count. */
const SMOOTHING = 0.2;

interface Learned {
  mean: number | undefined;
  steps: number;
  movedMs: number;
}

/**
 * Thresholds of the device's own stream, moved by its history: while the mean of a figure is above the base of its monitor
 * threshold, little headroom is left, so its thresholds go down by a step at a time and the device acts earlier; when the mean has
 * fallen clear of it, they come back up the same way.
 *
 *   base − loweredMax ≤ threshold ≤ base
 */
export class AdaptiveThresholds {
  readonly #base: Thresholds;
  readonly #options: AdaptOptions;
  readonly #clock: Clock;
  readonly #learned: Record<Figure, Learned>;
  #current: Thresholds;

  constructor(base: Thresholds, options: AdaptOptions, clock: Clock) {
    this.#base = base;
    this.#options = options;
    this.#clock = clock;
    this.#current = base;
    const fresh = (): Learned => ({ mean: undefined, steps: 0, movedMs: clock.monotonicMs() });
    this.#learned = { cpu: fresh(), ram: fresh(), temperatureC: fresh() };
  }

  get current(): Thresholds {
    return this.#current;
  }

  /** Takes in the figures of one sample and returns what is due to move. Nothing moves before it is applied. */
  learn(sample: { [F in Figure]?: number | undefined }): Adjustment[] {
    if (!this.#options.enabled) return [];
    return figures.flatMap((figure) => {
      const value = sample[figure];
      const due = value === undefined ? undefined : this.#learn(figure, value);
      return due === undefined ? [] : [due];
    });
  }

  apply({ figure, old, new: levels }: Adjustment): void {
    const learned = this.#learned[figure];
    learned.steps += levels.monitor + levels.reduce < old.monitor + old.reduce ? 1 : -1;
    learned.movedMs = this.#clock.monotonicMs();
    this.#current = { ...this.#current, [figure]: levels };
  }

  #learn(figure: Figure, value: number): Adjustment | undefined {
    const learned = this.#learned[figure];
    const mean = learned.mean === undefined ? value : learned.mean + (value - learned.mean) * SMOOTHING;
    learned.mean = mean;
    if (this.#clock.monotonicMs() - learned.movedMs < this.#options.intervalMs) return undefined;
    const base = this.#base[figure];
    const low = base.monitor - base.monitor * this.#options.hysteresis;
    const direction = mean > base.monitor ? 1 : mean < low ? -1 : 0;
    const old = this.#current[figure];
    const lowered = (threshold: number) => this.#lowered(threshold, learned.steps + direction);
    const levels = { monitor: lowered(base.monitor), reduce: lowered(base.reduce) };
    // At a bound there is nowhere to go.
    if (direction === 0 || (levels.monitor === old.monitor && levels.reduce === old.reduce)) return undefined;
    const why = `${figureNames[figure]}_mean_${direction > 0 ? `above_${base.monitor}` : `below_${low}`}`;
    return { figure, old, new: levels, base, why, mean };
  }

  /** In hundredths, so that ids and events stay readable; never beyond the bounds. */
  #lowered(base: number, steps: number): number {
    const { step, loweredMax } = this.#options;
    const rounded = Math.round(base * (1 - steps * step) * 100) / 100;
    return Math.min(base, Math.max(base * (1 - loweredMax), rounded));
  }
}
