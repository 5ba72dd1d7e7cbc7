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
  mean: number | undefined;
  /** Of the figure, after it. */
  steps: number;
}

type Figure = keyof Thresholds;
/** By how many steps each figure's thresholds are lowered. */
export type Steps = Record<Figure, number>;

const figures = ['cpu', 'ram', 'temperatureC'] as const satisfies readonly Figure[];
const figureNames: Record<Figure, string> = { cpu: 'cpu', ram: 'ram', temperatureC: 'temperature' };
/** Each new value weighs a fifth, so about the last ten samples count. */
const SMOOTHING = 0.2;

export const noSteps: Steps = { cpu: 0, ram: 0, temperatureC: 0 };

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

  /** @param steps What was learned before. */
  constructor(base: Thresholds, options: AdaptOptions, clock: Clock, steps: Steps = noSteps) {
    this.#base = base;
    this.#options = options;
    this.#clock = clock;
    this.#current = base;
    const fresh = (): Learned => ({ mean: undefined, steps: 0, movedMs: clock.monotonicMs() });
    this.#learned = { cpu: fresh(), ram: fresh(), temperatureC: fresh() };
    for (const move of this.movesTo(steps, 'learned before')) this.apply(move);
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

  apply({ figure, new: levels, steps }: Adjustment): void {
    const learned = this.#learned[figure];
    learned.steps = steps;
    learned.movedMs = this.#clock.monotonicMs();
    this.#current = { ...this.#current, [figure]: levels };
  }

  /** As it would be after a move. */
  stepsAfter({ figure, steps }: Pick<Adjustment, 'figure' | 'steps'>): Steps {
    const { cpu, ram, temperatureC } = this.#learned;
    return { cpu: cpu.steps, ram: ram.steps, temperatureC: temperatureC.steps, [figure]: steps };
  }

  /** The moves from here to what holds after so many steps; none where nothing is learned. Nothing moves before they are applied. */
  movesTo(wanted: Steps, why: string): Adjustment[] {
    if (!this.#options.enabled) return [];
    return figures.flatMap((figure) => {
      const { steps, mean } = this.#learned[figure];
      const target = this.#inBounds(figure, wanted[figure]);
      if (target === steps) return [];
      const old = this.#current[figure];
      return [{ ...this.#move(figure, target), old, why, mean }];
    });
  }

  /** Steps beyond the bound, as after a change of the settings, would have to be gone back through before anything moves. */
  #inBounds(figure: Figure, steps: number): number {
    const { new: levels } = this.#move(figure, steps);
    if (steps === 0) return 0;
    const { new: before } = this.#move(figure, steps - 1);
    const same = levels.monitor === before.monitor && levels.reduce === before.reduce;
    return same ? this.#inBounds(figure, steps - 1) : steps;
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
    const move = this.#move(figure, learned.steps + direction);
    const { new: levels } = move;
    // At a bound there is nowhere to go.
    if (direction === 0 || (levels.monitor === old.monitor && levels.reduce === old.reduce)) return undefined;
    const why = `${figureNames[figure]}_mean_${direction > 0 ? `above_${base.monitor}` : `below_${low}`}`;
    return { ...move, old, why, mean };
  }

  #move(figure: Figure, steps: number): Pick<Adjustment, 'figure' | 'new' | 'base' | 'steps'> {
    const base = this.#base[figure];
    const lowered = (threshold: number) => this.#lowered(threshold, steps);
    return { figure, new: { monitor: lowered(base.monitor), reduce: lowered(base.reduce) }, base, steps };
  }

  /** In hundredths, so that ids and events stay readable; never beyond the bounds. */
  #lowered(base: number, steps: number): number {
    const { step, loweredMax } = this.#options;
    const rounded = Math.round(base * (1 - steps * step) * 100) / 100;
    return Math.min(base, Math.max(base * (1 - loweredMax), rounded));
  }
}
