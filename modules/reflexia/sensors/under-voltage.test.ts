import { expect, test } from 'vitest';
import { macos, pi4, x86Virtual } from '../fixtures/devices.js';
import { type FakeMachine, fakeMachine } from '../fixtures/machine.js';
import { underVoltageSensor } from './under-voltage.js';

const signal = new AbortController().signal;
const read = (device: FakeMachine) => underVoltageSensor(fakeMachine(device)).read(signal);

test.each([
  ['throttled=0x1', true],
  ['throttled=0x50005', true],
  ['throttled=0x10000', false],
  ['throttled=0xe000e', false],
])('the firmware says %s', async (output, expected) => {
  const commands = { 'vcgencmd get_throttled': output };
  expect(await read({ platform: 'linux', commands })).toBe(expected);
});

test('without the firmware the kernel’s monitor is asked, and only that one', async () => {
  expect(await read({ platform: 'linux', files: pi4.files! })).toBe(false);
  const files = { ...pi4.files, '/sys/class/hwmon/hwmon1/in0_lcrit_alarm': '1\n' };
  expect(await read({ platform: 'linux', files })).toBe(true);
  const other = {
    '/sys/class/hwmon/hwmon0/name': 'nct6775\n',
    '/sys/class/hwmon/hwmon0/in0_lcrit_alarm': '1\n',
  };
  expect(await read({ platform: 'linux', files: other })).toBeUndefined();
  expect(await read(x86Virtual)).toBeUndefined();
  expect(await read(macos)).toBeUndefined();
});
