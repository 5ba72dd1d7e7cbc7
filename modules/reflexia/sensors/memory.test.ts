import { expect, test } from 'vitest';
import { macos, pi4, pi5, x86Virtual } from '../fixtures/devices.js';
import { fakeMachine } from '../fixtures/machine.js';
import { pi4Meminfo32 } from '../fixtures/recorded.js';
import { memorySensor, parseMeminfo, parseVmStat } from './memory.js';

const signal = new AbortController().signal;

test.each([
  ['Pi 4', pi4, 6.0],
  ['Pi 5', pi5, 10],
  ['virtual x86', x86Virtual, 7.2],
  ['macOS', macos, 82.0],
])('%s', async (_name, device, expected) => {
  expect(await memorySensor(fakeMachine(device)).read(signal)).toBeCloseTo(expected, 1);
});

test('a Pi with a 32-bit kernel tells high and low memory too', () => {
  expect(parseMeminfo(pi4Meminfo32)).toBeCloseTo(6.6, 1);
});

test('a platform that is not known tells nothing', async () => {
  expect(await memorySensor(fakeMachine({ platform: 'win32' })).read(signal)).toBeUndefined();
});

test.each(['', 'MemTotal: 0 kB\nMemAvailable: 0 kB\n', 'MemTotal: 100 kB\n', 'MemAvailable: 100 kB\n'])(
  '%j is not a meminfo to rely on',
  (text) => {
    expect(() => parseMeminfo(text)).toThrow('/proc/meminfo');
  },
);

test('a vm_stat that lacks a field is refused, not counted as zero', () => {
  const text = String(macos.commands!['/usr/bin/vm_stat']);
  for (const field of ['page size', 'Anonymous pages', 'Pages purgeable', 'Pages wired', 'Pages occupied']) {
    expect(() => parseVmStat(text.replace(field, 'Something else'), 1e9)).toThrow('vm_stat');
  }
});
