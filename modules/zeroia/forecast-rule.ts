import type { Clock } from '../../runtime/contracts/clock.js';
import {
  type DeviceSample,
  type Forecast,
  type ForecastFigure,
  forecastFigures,
} from '../../runtime/contracts/device.js';

/** Samples in a row whose forecast must reach the limit, so that one alone does nothing. */
const SAMPLES = 3;
/** An alarm of a figure is recorded again after this long at the earliest. */
const REPEAT_MS = 300_000;

type Crossing = Forecast & { crosses_in_ms: number; mase: number };

/** A limit that is expected within the horizon. */
export interface Alarm {
  figure: ForecastFigure;
  now: number;
  forecast: Crossing;
}

function crosses(forecast: Forecast): forecast is Crossing {
  return forecast.state === 'good' && forecast.crosses_in_ms !== null && forecast.mase !== null;
}

/**
 * Which forecasts ask for less load before their limit is reached: those of a forecaster that is good, in some samples in a row. One that is
 * still learning, or that was muted for its errors, asks for nothing.
 */
export class ForecastRule {
  readonly #clock: Clock;
  readonly #inARow = new Map<ForecastFigure, number>();
  readonly #toldMs = new Map<ForecastFigure, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  alarms(sample: DeviceSample): Alarm[] {
    return forecastFigures.flatMap((figure) => {
      const now = sample[figure];
      const forecast = sample.forecasts?.[figure];
      if (now === undefined || forecast === undefined || !crosses(forecast)) {
        this.#inARow.delete(figure);
        return [];
      }
      const inARow = (this.#inARow.get(figure) ?? 0) + 1;
      this.#inARow.set(figure, Math.min(inARow, SAMPLES));
      return inARow < SAMPLES ? [] : [{ figure, now, forecast }];
    });
  }

  /** Those that are due to be recorded. */
  untold(alarms: readonly Alarm[]): Alarm[] {
    const nowMs = this.#clock.monotonicMs();
    return alarms.filter(({ figure }) => {
      const toldMs = this.#toldMs.get(figure);
      return toldMs === undefined || nowMs - toldMs >= REPEAT_MS;
    });
  }

  /** It was recorded. */
  told({ figure }: Alarm): void {
    this.#toldMs.set(figure, this.#clock.monotonicMs());
  }
}

/** Such as `forecast temperature_c 80 in 40 s`. */
export function inWords(alarms: readonly Alarm[]): string {
  return alarms
    .map(
      ({ figure, forecast: { limit, crosses_in_ms } }) =>
        `forecast ${figure} ${limit} in ${Math.round(crosses_in_ms / 1000)} s`,
    )
    .join(', ');
}
