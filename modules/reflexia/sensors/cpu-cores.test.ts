import { expect, test } from 'vitest';
import { macos } from '../fixtures/devices.js';
import { fakeMachine } from '../fixtures/machine.js';
import { cpuCoresSensor } from './cpu-cores.js';

const signal = new AbortController().signal;

test('the first reading sets the mark, then the share of each core since the reading before', async () => {
  const files = { '/proc/stat': 'cpu 30 0 0 70\ncpu0 10 0 0 90 0\ncpu1 20 0 0 80 0\nintr 5\n' };
  const sensor = cpuCoresSensor(fakeMachine({ platform: 'linux', files }));
  expect(await sensor.read(signal)).toBeUndefined();
  files['/proc/stat'] = 'cpu 0 0 0 0\ncpu0 60 0 0 140 0\ncpu1 20 0 0 180 0\n';
  expect(await sensor.read(signal)).toEqual([50, 0]);
});

test('a core that was switched off has no share, and one that came back has one from its second reading on', async () => {
  const files = { '/proc/stat': 'cpu0 0 0 0 100\ncpu1 0 0 0 100\n' };
  const sensor = cpuCoresSensor(fakeMachine({ platform: 'linux', files }));
  await sensor.read(signal);
  files['/proc/stat'] = 'cpu0 100 0 0 100\n';
  expect(await sensor.read(signal)).toEqual([100]);
  files['/proc/stat'] = 'cpu0 100 0 0 200\ncpu1 100 0 0 100\n';
  expect(await sensor.read(signal)).toEqual([0]);
  files['/proc/stat'] = 'cpu0 100 0 0 300\ncpu1 175 0 0 125\n';
  expect(await sensor.read(signal)).toEqual([0, 75]);
});

test('macOS is read through os.cpus', async () => {
  const fake = { ...macos };
  const sensor = cpuCoresSensor({ ...fakeMachine(fake), coreTimes: () => fake.coreTimes! });
  expect(await sensor.read(signal)).toBeUndefined();
  fake.coreTimes = [
    { busy: 500, total: 5200 },
    { busy: 600, total: 5200 },
  ];
  expect(await sensor.read(signal)).toEqual([50, 0]);
});
