import { expect, test } from 'vitest';
import type { DeviceSample, Forecast } from '../../runtime/contracts/device.js';
import { createFakeContext, ManualClock } from '../../test/support/fake-context.js';
import { Decider } from './decider.js';
import { DeviceLoop } from './device-loop.js';
import { ForecastRule, inWords } from './forecast-rule.js';

const forecast: Forecast = {
  state: 'good',
  horizon_ms: 120_000,
  value: 83,
  limit: 80,
  crosses_in_ms: 39_600,
  mase: 0.5,
  judged: 40,
};
const sample = (
  temperature: Partial<Forecast> | undefined,
  figures: Partial<DeviceSample> = {},
): DeviceSample => ({
  wall_ms: 0,
  monotonic_ms: 0,
  cpu: 10,
  ram: 20,
  temperature_c: 60,
  absent: [],
  ...(temperature === undefined ? {} : { forecasts: { temperature_c: { ...forecast, ...temperature } } }),
  ...figures,
});

test('asks with the third sample in a row; one without a crossing begins the count anew', () => {
  const rule = new ForecastRule(new ManualClock());
  const asked = (...given: (Partial<Forecast> | undefined)[]) =>
    given.map((one) => rule.alarms(sample(one)).length);
  expect(asked({}, {}, { crosses_in_ms: null }, {}, {}, {}, {})).toEqual([0, 0, 0, 0, 0, 1, 1]);
  expect(asked(undefined, {}, {})).toEqual([0, 0, 0]);
});

test.each(['learning', 'muted'] as const)('a forecaster that is %s asks for nothing', (state) => {
  const rule = new ForecastRule(new ManualClock());
  for (let i = 0; i < 5; i++) expect(rule.alarms(sample({ state }))).toEqual([]);
});

test('says what is expected, and is recorded again after five minutes at the earliest', () => {
  const clock = new ManualClock();
  const rule = new ForecastRule(clock);
  const alarms = [1, 2, 3].flatMap(() => rule.alarms(sample({})));
  expect(inWords(alarms)).toBe('forecast temperature_c 80 in 40 s');
  expect(rule.untold(alarms)).toEqual(alarms);
  expect(rule.untold(alarms)).toEqual(alarms);
  rule.told(alarms[0]!);
  clock.advance(299_999);
  expect(rule.untold(alarms)).toEqual([]);
  clock.advance(1);
  expect(rule.untold(alarms)).toEqual(alarms);
});

async function levelAfter(config: Record<string, unknown>, given: DeviceSample[]) {
  const context = createFakeContext({ config });
  const loop = new DeviceLoop(context, new Decider(context.scorer, context.ledger, 16));
  const changes: string[] = [];
  context.bus.subscribe('level.changed', ({ to, reason }) => changes.push(`${to}: ${reason}`));
  loop.start();
  for (const one of given) {
    context.clock.advance(5000);
    context.bus.publish('device.sampled', { ...one, monotonic_ms: context.clock.monotonicMs() });
    await loop.stop();
    loop.start();
  }
  await loop.stop();
  return { context, changes };
}

test('lowers the load while every decision is normal, records why, and comes back after the cooldown', async () => {
  const rising = [1, 2, 3].map(() => sample({}));
  const calm = Array.from({ length: 20 }, () => sample({ crosses_in_ms: null }));
  const { context, changes } = await levelAfter({}, [...rising, ...rising, ...calm]);
  expect(changes).toEqual([
    'moderate: forecast temperature_c 80 in 40 s: no rule asks for more',
    expect.stringMatching(/^light: /),
    expect.stringMatching(/^normal: /),
  ]);
  const told = context.ledger.events.filter(({ type }) => type === 'forecast_alarmed');
  expect(told.map(({ data, stream }) => ({ stream, ...data }))).toEqual([
    {
      stream: 'device',
      figure: 'temperature_c',
      now: 60,
      value: 83,
      limit: 80,
      crosses_in_ms: 39_600,
      horizon_ms: 120_000,
      mase: 0.5,
      level: 'moderate',
    },
  ]);
});

test('does nothing where it is switched off, and never makes a level milder', async () => {
  const rising = Array.from({ length: 6 }, () => sample({}));
  const off = await levelAfter({ zeroia: { forecasts: false } }, rising);
  expect(off.changes).toEqual([]);
  expect(off.context.ledger.events.map(({ type }) => type)).not.toContain('forecast_alarmed');
  const full = Array.from({ length: 6 }, () => sample({}, { disk: 99.9 }));
  const { context } = await levelAfter({}, full);
  expect(context.degradation.level()).toBe('survival');
});
