import { expect, test } from 'vitest';
import { macos, x86Laptop, x86Virtual } from '../fixtures/devices.js';
import { fakeMachine } from '../fixtures/machine.js';
import { kernelThrottling } from './kernel-throttling.js';

const signal = new AbortController().signal;

test('a counter that grew since the last reading is throttling now; one that stands is not', async () => {
  const files: Record<string, string | Error> = { ...x86Laptop.files };
  const read = kernelThrottling(fakeMachine({ platform: 'linux', files }));
  expect(await read(signal)).toBeUndefined();
  expect(await read(signal)).toBe(false);
  files['/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count'] = '10\n';
  expect(await read(signal)).toBe(true);
  expect(await read(signal)).toBe(false);
});

test('virtual cores and macOS have no such counters', async () => {
  for (const device of [x86Virtual, macos]) {
    const read = kernelThrottling(fakeMachine(device));
    expect(await read(signal)).toBeUndefined();
    expect(await read(signal)).toBeUndefined();
  }
});
