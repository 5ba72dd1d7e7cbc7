import fc from 'fast-check';
import { expect, test } from 'vitest';
import { macos, pi4, pi5, x86Virtual } from '../fixtures/devices.js';
import { fakeMachine } from '../fixtures/machine.js';
import { parseThrottled, throttledSensor } from './throttled.js';

const signal = new AbortController().signal;

test.each([
  ['throttled=0x0', [], []],
  ['throttled=0x50000\n', [], ['under_voltage', 'throttled']],
  ['throttled=0x50005\n', ['under_voltage', 'throttled'], ['under_voltage', 'throttled']],
  ['throttled=0xE0002\n', ['frequency_capped'], ['frequency_capped', 'throttled', 'soft_temperature_limit']],
])('%s', (output, now, sinceBoot) => {
  expect(parseThrottled(output)).toEqual({ now, sinceBoot });
});

test('each half of the word is read apart from the other', () => {
  fc.assert(
    fc.property(fc.nat(15), fc.nat(15), (low, high) => {
      const state = parseThrottled(`throttled=0x${((high << 16) | low).toString(16)}`);
      const ones = (bits: number) => [1, 2, 4, 8].filter((bit) => bits & bit).length;
      expect([state.now.length, state.sinceBoot.length]).toEqual([ones(low), ones(high)]);
    }),
  );
});

test.each(['', '0x0', 'throttled=', 'throttled=0xZZ', 'throttled=0x123456789', 'VCHI initialization failed'])(
  '%j is an error, not "not throttled"',
  async (output) => {
    const machine = fakeMachine({ platform: 'linux', commands: { 'vcgencmd get_throttled': output } });
    await expect(throttledSensor(machine).read(signal)).rejects.toThrow('not known');
  },
);

test.each([
  ['Pi 4 at its soft limit', pi4, true],
  ['Pi 5', pi5, false],
  ['virtual x86', x86Virtual, undefined],
  ['macOS', macos, undefined],
])('%s', async (_name, device, expected) => {
  expect(await throttledSensor(fakeMachine(device)).read(signal)).toBe(expected);
});

test('low voltage alone is not throttling', async () => {
  const commands = { 'vcgencmd get_throttled': 'throttled=0x1' };
  expect(await throttledSensor(fakeMachine({ platform: 'linux', commands })).read(signal)).toBe(false);
});

test('a device without vcgencmd is asked once; a vcgencmd that fails is asked again', async () => {
  const commands: Record<string, string | Error> = {};
  const without = throttledSensor(fakeMachine({ platform: 'linux', commands }));
  expect(await without.read(signal)).toBeUndefined();
  commands['vcgencmd get_throttled'] = 'throttled=0x4';
  expect(await without.read(signal)).toBeUndefined();

  commands['vcgencmd get_throttled'] = new Error('busy');
  const failing = throttledSensor(fakeMachine({ platform: 'linux', commands }));
  await expect(failing.read(signal)).rejects.toThrow('busy');
  commands['vcgencmd get_throttled'] = 'throttled=0x4';
  expect(await failing.read(signal)).toBe(true);
});
