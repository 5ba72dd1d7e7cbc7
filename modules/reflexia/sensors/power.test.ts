import { expect, test } from 'vitest';
import { macos, pi4, pi5, x86Laptop, x86Refused, x86Virtual } from '../fixtures/devices.js';
import { type FakeMachine, fakeMachine } from '../fixtures/machine.js';
import { intelPowermetrics, m1Powermetrics, m2Powermetrics, x86Stat } from '../fixtures/recorded.js';
import { modelSource } from './power/model.js';
import { parsePmic, pmicSource } from './power/pmic.js';
import { parsePowermetrics, powermetricsSource } from './power/powermetrics.js';
import { raplSource } from './power/rapl.js';
import type { PowerSource } from './power/source.js';
import { powerSensor } from './power.js';
import type { Machine } from './sensor.js';

const signal = new AbortController().signal;

function sensorOf(device: FakeMachine, configured = {}) {
  const time = { ms: 0 };
  let machine: Machine = fakeMachine(device);
  const cores = { busy: 0 };
  machine = { ...machine, coreTimes: () => [{ busy: cores.busy, total: time.ms }] };
  const sensor = powerSensor([
    pmicSource(machine),
    raplSource(machine, () => time.ms),
    powermetricsSource(machine),
    modelSource(machine, configured),
  ]);
  return { read: () => sensor.read(signal), time, cores };
}

test('Pi 5: each current times the voltage of the same name; inputs do not count', async () => {
  const { read } = sensorOf(pi5);
  const power = await read();
  expect(power).toMatchObject({ source: 'pmic', estimated: false });
  expect(power!.watts).toBeCloseTo(5.922, 2);
  expect(
    parsePmic('  A_B_A current(0)=2.00000000A\n  A_B_V volt(9)=1.50000000V\n C_A current(1)=9.00000000A\n'),
  ).toBe(3);
  expect(parsePmic(' EXT5V_V volt(24)=5.06788000V\n')).toBeUndefined();
  expect(parsePmic('')).toBeUndefined();
});

test('Pi 4: it has no such chip, so the power is reckoned from the load, and said to be', async () => {
  const files = { ...pi4.files } as Record<string, string>;
  const { read } = sensorOf({ ...pi4, files });
  expect(await read()).toBeUndefined();
  files['/proc/stat'] = files['/proc/stat']!.replace('cpu  1550', 'cpu  11550').replace('190212', '200212');
  expect(await read()).toEqual({ watts: 4.55, source: 'model', estimated: true });
});

test('x86: packages and their memory are added up, over the turn of a counter; parts of them and psys are not', async () => {
  const files = { ...x86Laptop.files } as Record<string, string>;
  const { read, time } = sensorOf({ platform: 'linux', files });
  expect(await read()).toBeUndefined();
  time.ms = 2000;
  files['/sys/class/powercap/intel-rapl:0/energy_uj'] = '9671150\n';
  files['/sys/class/powercap/intel-rapl:0:0/energy_uj'] = '900000000\n';
  files['/sys/class/powercap/intel-rapl:0:2/energy_uj'] = '3000000\n';
  // (328,850 + 9,671,150) µJ of the package and 2,000,000 of the memory in 2 s.
  expect(await read()).toEqual({ watts: 6, source: 'rapl', estimated: false });
});

test('x86, not root: the model answers, and says what it stands in for', async () => {
  const files: Record<string, string | Error> = {
    ...x86Virtual.files,
    ...x86Refused.files,
  };
  const { read } = sensorOf({ platform: 'linux', files }, { idleW: 10, fullW: 30 });
  expect(await read()).toBeUndefined();
  files['/proc/stat'] = x86Stat.replace('cpu  6713787', 'cpu  6714787').replace('6155269', '6156269');
  const power = await read();
  expect(power).toMatchObject({ watts: 20, source: 'model', estimated: true });
  expect(power!.instead_of).toContain('rapl: EACCES');
});

test('a machine that nobody knows: by its cores', async () => {
  const files = { '/proc/stat': 'cpu 0 0 0 100\ncpu0 0 0 0 50\ncpu1 0 0 0 50\n' };
  const { read } = sensorOf({ platform: 'linux', files });
  await read();
  files['/proc/stat'] = 'cpu 50 0 0 150\ncpu0 25 0 0 75\ncpu1 25 0 0 75\n';
  expect((await read())!.watts).toBeCloseTo(2 * (0.74 + (3.5 - 0.74) / 2), 3);
});

test('Mac: to root it is measured, to anybody else reckoned from what Apple publishes, and powermetrics is started once', async () => {
  const line = '/usr/bin/powermetrics --samplers cpu_power -n 1 -i 200';
  const root = sensorOf({ ...macos, commands: { ...macos.commands, [line]: m1Powermetrics } });
  expect(await root.read()).toEqual({ watts: 2.151, source: 'powermetrics', estimated: false });

  let started = 0;
  const machine = fakeMachine(macos);
  const counting = powermetricsSource({
    ...machine,
    run: (...args) => {
      started += 1;
      return machine.run(...args);
    },
  });
  expect([await counting.read(signal), await counting.read(signal), started]).toEqual([
    undefined,
    undefined,
    1,
  ]);

  const user = sensorOf(macos);
  expect(await user.read()).toBeUndefined();
  user.time.ms = 1000;
  user.cores.busy = 500;
  expect(await user.read()).toEqual({ watts: 22.9, source: 'model', estimated: true });
});

test.each([
  ['M1 Pro, macOS 12: the package, memory included', m1Powermetrics, 2.151],
  ['M2', m2Powermetrics, 0.089],
  ['Intel', intelPowermetrics, 8.53],
])('powermetrics of a Mac: %s', (_name, output, watts) => {
  expect(parsePowermetrics(output)).toBe(watts);
});

test.each([
  ['Combined Power (CPU + GPU + ANE): 53 mW', 0.053],
  ['Combined Power (CPU + GPU + ANE): 7150mW', 7.15],
  ['Combined Power (CPU + GPU + ANE): 1.5 W', 1.5],
  ['CPU Power: 823 mW', undefined],
])('%s', (line, watts) => {
  expect(parsePowermetrics(`*** Sampled ***\n${line}\n`)).toBe(watts);
});

test('when every source fails the reasons are told', async () => {
  const failing = (name: PowerSource['name']): PowerSource => ({
    name,
    read: () => Promise.reject(new Error('broken')),
  });
  await expect(powerSensor([failing('rapl'), failing('model')]).read(signal)).rejects.toThrow(
    'rapl: broken; model: broken',
  );
});
