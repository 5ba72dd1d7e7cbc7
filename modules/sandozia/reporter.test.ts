import { expect, test } from 'vitest';
import type { Finding } from './checks/check.js';
import { Reporter } from './reporter.js';

const wrong = (fault: string, level: 'info' | 'warning' | 'critical' = 'critical'): Finding => ({
  level,
  fault,
  evidence: {},
});

test('what agrees and what could not be compared is not told', () => {
  const reporter = new Reporter();
  expect(reporter.shouldTell('a', { level: 'ok' }, 0)).toBe(false);
  expect(reporter.shouldTell('a', wrong('x', 'info'), 0)).toBe(false);
});

test('told once while unchanged; another fault, level or check is told at once', () => {
  const reporter = new Reporter();
  expect(reporter.shouldTell('a', wrong('x'), 0)).toBe(true);
  expect(reporter.shouldTell('a', wrong('x'), 400_000)).toBe(false);
  expect(reporter.shouldTell('a', wrong('y'), 400_001)).toBe(true);
  expect(reporter.shouldTell('a', wrong('y', 'warning'), 400_002)).toBe(true);
  expect(reporter.shouldTell('b', wrong('y'), 400_003)).toBe(true);
});

test('one that comes and goes is told every five minutes at most', () => {
  const reporter = new Reporter();
  const told: number[] = [];
  for (let now = 0; now < 900_000; now += 1000) {
    if (reporter.shouldTell('a', wrong('x'), now)) told.push(now);
    reporter.shouldTell('a', { level: 'ok' }, now);
  }
  expect(told).toEqual([0, 300_000, 600_000]);
});

test('at most 60 an hour over all', () => {
  const reporter = new Reporter();
  let told = 0;
  for (let fault = 0; fault < 1000; fault += 1)
    if (reporter.shouldTell('a', wrong(`f${fault}`), fault)) told += 1;
  expect(told).toBe(60);
  expect(reporter.shouldTell('a', wrong('later'), 3_600_000)).toBe(true);
});
