import fc from 'fast-check';
import { expect, test } from 'vitest';
import { macos, pi4, x86Virtual } from '../fixtures/devices.js';
import { fakeMachine } from '../fixtures/machine.js';
import { cpuPercent, cpuSensor, parseProcStat } from './cpu.js';

const signal = new AbortController().signal;

test('waiting for the disk is idle, stolen time is not, guest time is not counted twice', () => {
  expect(parseProcStat(String(pi4.files!['/proc/stat']))).toEqual({ busy: 3717, total: 194_640 });
  expect(parseProcStat(String(x86Virtual.files!['/proc/stat']))).toEqual({
    busy: 8_742_275,
    total: 14_930_846,
  });
});

test('a kernel old enough to tell four fields is understood; anything else is an error', () => {
  expect(parseProcStat('cpu 1 2 3 4\n')).toEqual({ busy: 6, total: 10 });
  for (const text of ['', 'cpu0 1 2 3 4\n', 'cpu 1 2 3\n', 'cpu a b c d\n']) {
    expect(() => parseProcStat(text)).toThrow('/proc/stat');
  }
});

test('no time passed means no share, not zero', () => {
  expect(cpuPercent({ busy: 5, total: 10 }, { busy: 5, total: 10 })).toBeUndefined();
  expect(cpuPercent({ busy: 5, total: 10 }, { busy: 4, total: 9 })).toBeUndefined();
});

test('a share is within 0 and 100 also when the kernel corrects a counter backwards', () => {
  const times = fc.record({ busy: fc.nat(1e9), total: fc.nat(1e9) });
  fc.assert(
    fc.property(times, times, (before, after) => {
      const share = cpuPercent(before, after);
      if (share !== undefined) expect(share >= 0 && share <= 100).toBe(true);
    }),
  );
});

test('the first reading sets the mark, the next ones tell the share since the one before', async () => {
  const files: Record<string, string> = { '/proc/stat': 'cpu 100 0 100 800 0\n' };
  const sensor = cpuSensor(fakeMachine({ platform: 'linux', files }));
  expect(await sensor.read(signal)).toBeUndefined();
  files['/proc/stat'] = 'cpu 150 0 120 810 20\n';
  expect(await sensor.read(signal)).toBe(70);
  files['/proc/stat'] = 'cpu 150 0 120 910 20\n';
  expect(await sensor.read(signal)).toBe(0);
});

test('macOS is read through os.cpus', async () => {
  const fake = { ...macos };
  const sensor = cpuSensor({ ...fakeMachine(fake), coreTimes: () => fake.coreTimes! });
  expect(await sensor.read(signal)).toBeUndefined();
  fake.coreTimes = [
    { busy: 550, total: 5500 },
    { busy: 700, total: 5500 },
  ];
  expect(await sensor.read(signal)).toBe(25);
});

test('with a window the share is that of the window: some seconds of work are no overload, and a reading after a pause counts alone', async () => {
  const files: Record<string, string> = {};
  const time = { ms: 0, busy: 0 };
  const sensor = cpuSensor(fakeMachine({ platform: 'linux', files }), { ms: 60_000, nowMs: () => time.ms });
  const after = async (ms: number, share: number) => {
    time.ms += ms;
    time.busy += ms * share;
    files['/proc/stat'] = `cpu ${time.busy} 0 0 ${time.ms - time.busy}\n`;
    return sensor.read(signal);
  };
  expect(await after(0, 0)).toBeUndefined();
  // The window grows from the first reading on.
  expect(await after(5000, 1)).toBe(100);
  for (let reading = 0; reading < 11; reading++) await after(5000, 0);
  // An answer of twenty seconds: a third of the minute.
  const answer: (number | undefined)[] = [];
  for (let reading = 0; reading < 4; reading++) answer.push(await after(5000, 1));
  expect(answer.map((used) => Math.round(used!))).toEqual([8, 17, 25, 33]);
  for (let reading = 0; reading < 8; reading++) await after(5000, 1);
  expect(await after(5000, 1)).toBe(100);
  expect(await after(600_000, 0)).toBe(0);
  // A kernel that counts anew.
  time.busy = 0;
  time.ms = 100;
  files['/proc/stat'] = 'cpu 0 0 0 100\n';
  expect(await sensor.read(signal)).toBeUndefined();
  expect(await after(5000, 0.5)).toBe(50);
});
