import { expect, test } from 'vitest';
import { macos, pi4, pi5, x86Virtual } from '../fixtures/devices.js';
import { fakeMachine, systemError } from '../fixtures/machine.js';
import { parsePressure, pressureSensor } from './pressure.js';

const signal = new AbortController().signal;

test.each([
  ['a Pi whose kernel was started without it', pi4, undefined, undefined, undefined],
  ['Pi 5', pi5, 0.18, 0, 3.56],
  ['virtual x86', x86Virtual, 22.05, 0, 3.6],
  ['macOS', macos, undefined, undefined, undefined],
])('%s', async (_name, device, cpu, memory, io) => {
  const machine = fakeMachine(device);
  const read = (name: 'cpu_pressure' | 'memory_pressure' | 'io_pressure') =>
    pressureSensor(machine, name).read(signal);
  expect([await read('cpu_pressure'), await read('memory_pressure'), await read('io_pressure')]).toEqual([
    cpu,
    memory,
    io,
  ]);
});

test.each([
  '',
  'full avg10=1.00 avg60=0.00 avg300=0.00 total=0',
  'some avg10=100.01 avg60=0',
  'some avg10=x avg60=0',
])('%j is an error, not "no pressure"', (text) => {
  expect(() => parsePressure(text)).toThrow('/proc/pressure');
});

test('a kernel that has the files and refuses them says so', async () => {
  const files = { '/proc/pressure/io': systemError('EOPNOTSUPP') };
  const sensor = pressureSensor(fakeMachine({ platform: 'linux', files }), 'io_pressure');
  await expect(sensor.read(signal)).rejects.toThrow('EOPNOTSUPP');
});
