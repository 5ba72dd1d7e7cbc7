import { expect, test } from 'vitest';
import { macos, pi4, pi5, x86Virtual } from '../fixtures/devices.js';
import { type FakeMachine, fakeMachine } from '../fixtures/machine.js';
import { diskFreeSensor } from './disk-free.js';
import { parseLifeTime, storageWearSensor } from './storage-wear.js';
import { parseDiskstats, storageWrittenSensor } from './storage-written.js';

const signal = new AbortController().signal;

test.each([
  ['0x01 0x01\n', 10],
  ['0x02 0x09', 90],
  ['0x0a 0x00', 100],
  ['0x0b 0x01', 100],
  ['0x00 0x00', undefined],
  ['0xff 0xff', undefined],
])('life_time %j is %s percent', (text, percent) => {
  expect(parseLifeTime(text)).toBe(percent);
});

test.each(['', '0x01', '1 1', '0x01 0x1'])('life_time %j is an error, not "new"', (text) => {
  expect(() => parseLifeTime(text)).toThrow('life_time');
});

test('the most worn eMMC counts; an SD card, which tells nothing, does not', async () => {
  const wear = (device: FakeMachine) => storageWearSensor(fakeMachine(device)).read(signal);
  expect(await wear(pi4)).toBeUndefined();
  expect(await wear(x86Virtual)).toBeUndefined();
  expect(await wear(macos)).toBeUndefined();
  const files = {
    '/sys/block/mmcblk0/device/life_time': '0x01 0x02\n',
    '/sys/block/mmcblk1/device/life_time': '0x04 0x03\n',
    '/sys/block/mmcblk1boot0/device/life_time': '0x0b 0x0b\n',
  };
  expect(await wear({ platform: 'linux', files })).toBe(40);
});

test.each([
  ['an SD card, its partitions counted once', pi4, 4_012_288 * 512],
  ['an NVMe drive', pi5, 4_012_288 * 512],
  ['a virtual disk; loop devices lie on it', x86Virtual, 1_006_013_896 * 512],
  ['macOS', macos, undefined],
])('written: %s', async (_name, device, bytes) => {
  expect(await storageWrittenSensor(fakeMachine(device)).read(signal)).toBe(bytes);
});

test('several devices are added up, and a line that is not understood is an error', () => {
  expect(parseDiskstats('8 0 sda 1 2 3 4 5 6 7\n 8 16 sdb 1 2 3 4 5 6 8\n')).toBe(15 * 512);
  expect(parseDiskstats('')).toBeUndefined();
  expect(() => parseDiskstats('8 0 sda 1 2 3\n')).toThrow('/proc/diskstats');
});

test('free is what we may write, not what root may', async () => {
  const statfs = async () => ({ blocks: 100, bfree: 50, bavail: 45, bsize: 4096 });
  expect(await diskFreeSensor('/data', statfs).read(signal)).toBe(45 * 4096);
});
