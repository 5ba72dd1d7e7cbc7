import { Gauge, type Registry } from 'prom-client';
import type { DeviceSample, Forecast } from '../../../runtime/contracts/device.js';

/** Publishes the last forecasts: how good each is, whether it is muted, and when its limit is expected. What is not known has no value. */
export function publishForecasts(
  registry: Registry,
  last: () => NonNullable<DeviceSample['forecasts']>,
): void {
  const gauge = (name: string, help: string, value: (forecast: Forecast) => number | null) => {
    new Gauge({
      name: `arkalia_forecast_${name}`,
      help,
      labelNames: ['figure'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [figure, forecast] of Object.entries(last())) {
          const told = value(forecast);
          if (told !== null) this.set({ figure }, told);
        }
      },
    });
  };
  gauge('error_ratio', 'Error of the forecasts, divided by that of "it stays as it is"', ({ mase }) => mase);
  gauge('muted', 'Whether the forecaster has been wrong and nobody acts on it', ({ state }) =>
    state === 'muted' ? 1 : 0,
  );
  gauge(
    'limit_seconds',
    'Time until the limit is expected; no value: not within the horizon',
    ({ crosses_in_ms }) => (crosses_in_ms === null ? null : crosses_in_ms / 1000),
  );
}
