import type { Forecast } from '../../../runtime/contracts/device.js';
import { Accuracy } from './accuracy.js';
import { DampedTrend, type TrendOptions } from './damped-trend.js';

export interface ForecasterOptions {
  trend: TrendOptions;
  horizonMs: number;
  limit: number;
  /** What the figure can be; a forecast is kept within. */
  range: { min: number; max: number };
  /** An error that does not matter. */
  errorMin: number;
}

const rounded = (value: number, digits: number) => Math.round(value * 10 ** digits) / 10 ** digits;

/** Forecasts one figure and judges its own forecasts. */
export class Forecaster {
  readonly #options: ForecasterOptions;
  readonly #trend: DampedTrend;
  readonly #accuracy: Accuracy;
  #last: { reading: number; atMs: number } | undefined;

  constructor(options: ForecasterOptions) {
    this.#options = options;
    this.#trend = new DampedTrend(options.trend);
    this.#accuracy = new Accuracy({ leadMs: options.horizonMs, errorMin: options.errorMin });
  }

  get isMuted(): boolean {
    return this.#accuracy.muted;
  }

  /** From now on, until its errors say otherwise. */
  mute(isMuted: boolean): void {
    this.#accuracy.muted = isMuted;
  }

  /** Something was done that changes the figure: what is expected now is not judged by what comes. */
  settle(): void {
    if (this.#last !== undefined) this.#accuracy.settle(this.#last.reading, this.#last.atMs);
  }

  /** Takes in a reading and says what it expects; undefined for a reading that is no number. */
  take(reading: number, nowMs: number): Forecast | undefined {
    if (!Number.isFinite(reading)) return undefined;
    const { horizonMs, limit, range } = this.#options;
    this.#last = { reading, atMs: nowMs };
    this.#accuracy.judge(reading, nowMs);
    this.#trend.learn(reading, nowMs);
    const unbounded = this.#trend.expectation()!;
    const expected = (aheadMs: number) => Math.min(range.max, Math.max(range.min, unbounded(aheadMs)));
    this.#accuracy.promise(expected, reading, nowMs);
    const reachesMs = this.#trend.reachesMs(limit);
    const { state, mase, judged } = this.#accuracy;
    return {
      state,
      horizon_ms: horizonMs,
      value: rounded(expected(horizonMs), 2),
      limit,
      crosses_in_ms: reachesMs !== undefined && reachesMs <= horizonMs ? Math.round(reachesMs) : null,
      mase: mase === null ? null : rounded(mase, 3),
      judged,
    };
  }
}
