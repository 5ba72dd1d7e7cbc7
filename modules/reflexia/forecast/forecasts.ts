import {
  type DeviceSample,
  type Forecast,
  type ForecastFigure,
  forecastFigures,
} from '../../../runtime/contracts/device.js';
import type { Config } from '../../../runtime/contracts/module.js';
import { Forecaster, type ForecasterOptions } from './forecaster.js';

/** A gap of so many intervals, and of a minute, is no gap in a trend yet. */
const GAP_INTERVALS = 4;
const GAP_MS_MIN = 60_000;

/** A forecaster that was muted, or counts again. */
export interface Judged {
  figure: ForecastFigure;
  state: 'good' | 'muted';
  mase: number;
}

/**
 * How each figure moves. Heat fades: a processor under an even load approaches its temperature within some minutes. Memory and disk that fill go on
 * filling. Loading a model, or a large file, is a jump and no trend.
 */
function optionsOf(figure: ForecastFigure, { interval_ms, forecast }: Config['reflexia']): ForecasterOptions {
  const gapMsMax = Math.max(GAP_INTERVALS * interval_ms, GAP_MS_MIN);
  const percent = { min: 0, max: 100 };
  const { horizon_ms: horizonMs, disk_horizon_ms: diskHorizonMs } = forecast;
  const limit = forecast[figure];
  switch (figure) {
    case 'temperature_c':
      return {
        trend: { levelMs: 10_000, trendMs: 60_000, fadeMs: 150_000, jump: 5, gapMsMax },
        ...{ horizonMs, limit, range: { min: -60, max: 150 }, errorMin: 1 },
      };
    case 'ram':
      return {
        trend: { levelMs: 10_000, trendMs: 60_000, fadeMs: 600_000, jump: 3, gapMsMax },
        ...{ horizonMs, limit, range: percent, errorMin: 1 },
      };
    case 'disk':
      return {
        trend: { levelMs: 30_000, trendMs: 180_000, fadeMs: 3_600_000, jump: 1, gapMsMax },
        ...{ horizonMs: diskHorizonMs, limit, range: percent, errorMin: 0.2 },
      };
  }
}

/** Where temperature, memory and disk are going. */
export class Forecasts {
  readonly #config: Config['reflexia'];
  readonly #forecasters = new Map<ForecastFigure, Forecaster>();
  #last: Partial<Record<ForecastFigure, Forecast>> = {};

  readonly #mayCount: (figure: ForecastFigure) => boolean;

  /** @param mayCount Whether a muted forecaster that got better may count again; else it stays muted. */
  constructor(config: Config['reflexia'], mayCount: (figure: ForecastFigure) => boolean = () => true) {
    this.#config = config;
    this.#mayCount = mayCount;
  }

  /** From what was known before: until its errors say otherwise. */
  mute(figure: ForecastFigure, isMuted: boolean): void {
    this.#forecaster(figure).mute(isMuted);
  }

  /** Those made from the last sample. */
  get last(): Partial<Record<ForecastFigure, Forecast>> {
    return this.#last;
  }

  /** The level changed, so that the device goes on otherwise than it did: forecasts made before are not judged by what comes. */
  settle(): void {
    for (const forecaster of this.#forecasters.values()) forecaster.settle();
  }

  /** Takes in a sample; returns the forecasters that were muted by it, or count again. A figure that is absent has no forecast. */
  take(sample: DeviceSample): Judged[] {
    const before = this.#last;
    this.#last = {};
    const judged: Judged[] = [];
    for (const figure of forecastFigures) {
      const reading = sample[figure];
      if (reading === undefined) continue;
      const forecast = this.#take(figure, reading, sample.monotonic_ms);
      if (forecast === undefined) continue;
      this.#last[figure] = forecast;
      const { state, mase } = forecast;
      if (state === 'learning' || mase === null) continue;
      // An absence in between counts as not muted: being told twice is better than not.
      if ((before[figure]?.state === 'muted') !== (state === 'muted')) judged.push({ figure, state, mase });
    }
    return judged;
  }

  #take(figure: ForecastFigure, reading: number, nowMs: number): Forecast | undefined {
    const forecaster = this.#forecaster(figure);
    const wasMuted = forecaster.isMuted;
    const forecast = forecaster.take(reading, nowMs);
    if (forecast === undefined || !wasMuted || forecaster.isMuted || this.#mayCount(figure)) return forecast;
    forecaster.mute(true);
    return { ...forecast, state: 'muted' };
  }

  #forecaster(figure: ForecastFigure): Forecaster {
    const known = this.#forecasters.get(figure);
    if (known !== undefined) return known;
    const made = new Forecaster(optionsOf(figure, this.#config));
    this.#forecasters.set(figure, made);
    return made;
  }
}
