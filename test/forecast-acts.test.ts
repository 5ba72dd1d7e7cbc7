import { expect, test } from 'vitest';
import { Forecasts } from '../modules/reflexia/forecast/forecasts.js';
import { Sampler } from '../modules/reflexia/sampler.js';
import type { Sensor } from '../modules/reflexia/sensors/sensor.js';
import { Decider } from '../modules/zeroia/decider.js';
import { DeviceLoop } from '../modules/zeroia/device-loop.js';
import { createFakeContext } from './support/fake-context.js';

const intervalMs = 5000;
const ambient = 42;

/**
 * A board that approaches `ambient + 60 · load` within some minutes, on a clock of its own. From the level moderate on it is given less to do; what runs
 * comes to its end first.
 */
function board({ forecasts: listened }: { forecasts: boolean }) {
  const context = createFakeContext({ config: { zeroia: { forecasts: listened } } });
  const { clock, bus, degradation } = context;
  let celsius = ambient;
  let load = 0;
  const given = (asked: number) => (['normal', 'light'].includes(degradation.level()) ? asked : asked * 0.4);
  const sensor = <K extends Sensor['name']>(name: K, read: () => number): Sensor =>
    ({ name, read: async () => read() }) as Sensor;
  const sampler = new Sampler({
    sensors: [
      sensor('cpu', () => 50),
      sensor('ram', () => 30),
      sensor('temperature_c', () => Math.round(celsius * 10) / 10),
    ],
    clock,
    timeoutMs: 1000,
  });
  const forecasts = new Forecasts(context.config.reflexia);
  bus.subscribe('level.changed', () => forecasts.settle());
  const loop = new DeviceLoop(context, new Decider(context.scorer, context.ledger, 16));
  loop.start();
  const changes: { to: string; reason: string; celsius: number }[] = [];
  bus.subscribe('level.changed', ({ to, reason }) => changes.push({ to, reason, celsius }));
  return {
    context,
    changes,
    forecasts,
    peak: 0,
    async run(ms: number, want: number) {
      for (let passed = 0; passed < ms; passed += intervalMs) {
        clock.advance(intervalMs);
        load = Math.max(given(want), load - (load - given(want)) * (1 - Math.exp(-intervalMs / 70_000)));
        celsius += (ambient + 60 * load - celsius) * (1 - Math.exp(-intervalMs / 150_000));
        this.peak = Math.max(this.peak, celsius);
        const sample = await sampler.sample(new AbortController().signal);
        forecasts.take(sample);
        bus.publish('device.sampled', { ...sample, forecasts: forecasts.last });
        await loop.stop();
        loop.start();
      }
    },
  };
}

test('a rising temperature lowers the load before any threshold is reached, so that this rise never throttles the chip', async () => {
  const device = board({ forecasts: true });
  await device.run(600_000, 0.05);
  expect(device.forecasts.last.temperature_c).toMatchObject({ state: 'good' });
  expect(device.changes).toEqual([]);
  await device.run(150_000, 1);
  const [first] = device.changes;
  expect(first).toMatchObject({
    to: 'moderate',
    reason: expect.stringContaining('forecast temperature_c 80'),
  });
  // 70 °C is the first threshold that asks for anything, 80 °C is where the chip throttles.
  expect(first!.celsius).toBeLessThan(70);
  expect(device.peak).toBeLessThan(80);
  expect(device.context.ledger.events.map(({ type }) => type)).toContain('forecast_alarmed');
});

test('the same board without forecasts acts at its thresholds, too late', async () => {
  const device = board({ forecasts: false });
  await device.run(600_000, 0.05);
  await device.run(150_000, 1);
  expect(device.changes[0]!.celsius).toBeGreaterThanOrEqual(70);
  expect(device.peak).toBeGreaterThan(80);
  expect(device.context.ledger.events.map(({ type }) => type)).not.toContain('forecast_alarmed');
});

test('without a sensor for the temperature nothing is forecast and nothing is done', async () => {
  const { context, changes } = board({ forecasts: true });
  const forecasts = new Forecasts(context.config.reflexia);
  for (let i = 0; i < 20; i++) {
    context.clock.advance(intervalMs);
    const sample = {
      wall_ms: 0,
      monotonic_ms: context.clock.monotonicMs(),
      cpu: 50,
      ram: 30,
      absent: ['temperature_c'],
    };
    forecasts.take(sample);
    expect(forecasts.last.temperature_c).toBeUndefined();
    context.bus.publish('device.sampled', { ...sample, forecasts: forecasts.last });
  }
  expect(changes).toEqual([]);
});
