import { expect, test } from 'vitest';
import { amdServer, macos, pi4, pi5, x86Laptop, x86Monitors, x86Virtual } from '../fixtures/devices.js';
import { fakeMachine, systemError } from '../fixtures/machine.js';
import { parseMillidegrees, temperatureSensor } from './temperature.js';

const signal = new AbortController().signal;

test.each([
  ['Pi 4', pi4, 74],
  ['Pi 5: the processor, not its RP1 chip', pi5, 46.3],
  ['virtual x86', x86Virtual, undefined],
  ['laptop: the hottest of the processor, not the case', x86Laptop, 64.1],
  ['hwmon only: not the disk', amdServer, 45.5],
  ['a Mac with Linux: zones of no kind are not taken for the processor', x86Monitors, 62],
  ['macOS', macos, undefined],
])('%s', async (_name, device, expected) => {
  const read = await temperatureSensor(fakeMachine(device)).read(signal);
  if (expected === undefined) expect(read).toBeUndefined();
  else expect(read).toBeCloseTo(expected, 5);
});

test.each([
  ['0\n', undefined],
  ['-274000\n', undefined],
  ['255000', undefined],
  ['150000', undefined],
  ['149949', 149.9],
  ['-40000\n', -40],
  ['', undefined],
  ['42.5', undefined],
  ['hot', undefined],
])('%j is %s', (text, expected) => {
  expect(parseMillidegrees(text)).toBe(expected);
});

test('a processor zone that is switched off falls back to the monitor', async () => {
  const files = { ...pi4.files, '/sys/class/thermal/thermal_zone0/temp': systemError('EINVAL') };
  expect(await temperatureSensor(fakeMachine({ platform: 'linux', files })).read(signal)).toBe(74);
});

test('being forbidden to read is an error, not an absence', async () => {
  const files = { ...pi4.files, '/sys/class/thermal/thermal_zone0/temp': systemError('EACCES') };
  await expect(temperatureSensor(fakeMachine({ platform: 'linux', files })).read(signal)).rejects.toThrow(
    'EACCES',
  );
});
