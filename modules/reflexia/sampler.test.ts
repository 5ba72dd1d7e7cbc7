import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/fake-context.js';
import { Sampler } from './sampler.js';
import type { Readings, Sensor } from './sensors/sensor.js';

const signal = new AbortController().signal;
const sensor = <K extends keyof Readings>(name: K, read: Sensor<K>['read']): Sensor =>
  ({ name, read }) as Sensor;

function sampler(sensors: Sensor[], timeoutMs = 1000) {
  const clock = new ManualClock();
  clock.advance(1234);
  return new Sampler({ sensors, clock, timeoutMs });
}

test('what is read is in the sample, what is not is named and says why', async () => {
  const subject = sampler([
    sensor('cpu', async () => 12.5),
    sensor('ram', async () => undefined),
    sensor('disk', async () => Number.NaN),
    sensor('temperature_c', () => Promise.reject(new Error('EACCES'))),
    sensor('throttled', () => {
      throw new Error('at once');
    }),
    sensor('load_1m', async () => 0),
  ]);
  expect(await subject.sample(signal)).toEqual({
    wall_ms: Date.UTC(2026, 0, 2, 3, 4, 5) + 1234,
    monotonic_ms: 1234,
    cpu: 12.5,
    load_1m: 0,
    absent: ['ram', 'disk', 'temperature_c', 'throttled'],
  });
  expect(subject.absentBecause).toEqual({
    ram: 'this device does not tell',
    disk: 'this device does not tell',
    temperature_c: 'EACCES',
    throttled: 'at once',
  });
});

test('false is a value', async () => {
  const sample = await sampler([sensor('throttled', async () => false)]).sample(signal);
  expect(sample).toMatchObject({ throttled: false, absent: [] });
});

test('a sensor that hangs is absent, is told to end, and is not asked again until it has answered', async () => {
  let asked = 0;
  let told: AbortSignal | undefined;
  let answer: (value: number) => void = () => undefined;
  const subject = sampler(
    [
      sensor('disk', (given) => {
        asked += 1;
        told = given;
        return new Promise((resolve) => {
          answer = resolve;
        });
      }),
      sensor('cpu', async () => 1),
    ],
    5,
  );
  expect(await subject.sample(signal)).toMatchObject({ cpu: 1, absent: ['disk'] });
  expect(told?.aborted).toBe(true);
  expect(subject.absentBecause.disk).toBe('no answer within 5 ms');
  expect(await subject.sample(signal)).toMatchObject({ cpu: 1, absent: ['disk'] });
  expect(asked).toBe(1);
  expect(subject.absentBecause.disk).toBe('an earlier reading still hangs');

  answer(50);
  await new Promise(setImmediate);
  const third = subject.sample(signal);
  answer(60);
  expect(await third).toMatchObject({ disk: 60, absent: [] });
  expect(asked).toBe(2);
  expect(subject.absentBecause).toEqual({});
});

test('a reading that fails after its time is nobody’s surprise', async () => {
  let fail: (error: Error) => void = () => undefined;
  const subject = sampler(
    [
      sensor('disk', () => {
        return new Promise((_resolve, reject) => {
          fail = reject;
        });
      }),
    ],
    5,
  );
  expect((await subject.sample(signal)).absent).toEqual(['disk']);
  fail(new Error('late'));
  await new Promise(setImmediate);
});

test('a sensor with an interval of its own is read in the first two samples, then when it is due; meanwhile its value stands', async () => {
  const clock = new ManualClock();
  let asked = 0;
  const slow: Sensor = { ...sensor('disk', async () => ++asked), everyMs: 10_000 };
  const subject = new Sampler({ sensors: [slow], clock, timeoutMs: 1000 });
  const values: unknown[] = [];
  for (const afterMs of [0, 500, 5000, 4100, 5000, 5000]) {
    clock.advance(afterMs);
    values.push((await subject.sample(signal)).disk);
  }
  expect(values).toEqual([1, 2, 2, 3, 3, 4]);
});

test('a slow sensor that failed is absent, with its reason, until it is due again', async () => {
  const clock = new ManualClock();
  let asked = 0;
  const slow: Sensor = {
    ...sensor('disk', () => {
      asked += 1;
      return asked < 3 ? Promise.reject(new Error('EIO')) : Promise.resolve(7);
    }),
    everyMs: 10_000,
  };
  const subject = new Sampler({ sensors: [slow], clock, timeoutMs: 1000 });
  await subject.sample(signal);
  await subject.sample(signal);
  clock.advance(5000);
  expect((await subject.sample(signal)).absent).toEqual(['disk']);
  expect(subject.absentBecause).toEqual({ disk: 'EIO' });
  clock.advance(5000);
  expect(await subject.sample(signal)).toMatchObject({ disk: 7, absent: [] });
});
