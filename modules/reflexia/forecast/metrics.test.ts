import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { DeviceSample, Forecast } from '../../../runtime/contracts/device.js';
import { publishForecasts } from './metrics.js';

test('each figure that has a forecast is told, and what is not known has no value', async () => {
  const registry = new Registry();
  let now: NonNullable<DeviceSample['forecasts']> = {};
  publishForecasts(registry, () => now);
  const scrape = async () =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(await scrape()).toEqual([]);
  const forecast: Forecast = {
    state: 'learning',
    horizon_ms: 120_000,
    value: 50,
    limit: 95,
    crosses_in_ms: null,
    mase: null,
    judged: 0,
  };
  now = { ram: forecast, temperature_c: { ...forecast, state: 'muted', mase: 1.5, crosses_in_ms: 30_500 } };
  expect(await scrape()).toEqual([
    'arkalia_forecast_error_ratio{figure="temperature_c"} 1.5',
    'arkalia_forecast_muted{figure="ram"} 0',
    'arkalia_forecast_muted{figure="temperature_c"} 1',
    'arkalia_forecast_limit_seconds{figure="temperature_c"} 30.5',
  ]);
});
