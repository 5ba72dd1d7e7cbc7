import { expect, test } from 'vitest';
import type { BreakerSnapshot } from '../../../runtime/contracts/breaker.js';
import { engineErrorsSensor, engineLatencySensor } from './engines.js';
import { garbageSensor } from './garbage.js';
import { externalMemorySensor, heapSensor } from './heap.js';
import { ledgerCommitSensor } from './ledger-commit.js';
import { poolSensor } from './pool.js';
import { queueBusySensor, queueWaitingSensor } from './queues.js';
import { sandboxDeathsSensor } from './sandbox-deaths.js';

const signal = new AbortController().signal;

test('queues and slots of all engines are added up', async () => {
  const queues = {
    ollama: { slots: 2, busy: 2, waiting: 3, waitingMax: 10 },
    navigator: { slots: 4, busy: 1, waiting: 0, waitingMax: 10 },
  };
  expect(await queueWaitingSensor(() => queues).read(signal)).toBe(3);
  expect(await queueBusySensor(() => queues).read(signal)).toBe(3);
  expect(await poolSensor(() => 2).read(signal)).toBe(2);
});

test('the slowest engine counts; engines that nobody called lately have no latency', async () => {
  const latency = (p90s: (number | undefined)[]) =>
    engineLatencySensor(() =>
      Object.fromEntries(
        p90s.map((p90_ms, at) => [at, { count: 1, max_ms: 9, ...(p90_ms === undefined ? {} : { p90_ms }) }]),
      ),
    ).read(signal);
  expect(await latency([20, undefined, 1500])).toBe(1500);
  expect(await latency([undefined])).toBeUndefined();
  expect(await latency([])).toBeUndefined();
});

test('errors and deaths are those since the last reading', async () => {
  const totals = { failures: 7 };
  const errors = engineErrorsSensor(() => [{ totals }, { totals }] as BreakerSnapshot[]);
  expect(await errors.read(signal)).toBeUndefined();
  totals.failures = 9;
  expect(await errors.read(signal)).toBe(4);
  expect(await errors.read(signal)).toBe(0);

  const killed = { deadline: 1, out_of_memory: 0, crashed: 2, protocol: 0, aborted: 0 };
  const deaths = sandboxDeathsSensor(() => ({ killed }));
  expect(await deaths.read(signal)).toBeUndefined();
  killed.out_of_memory = 1;
  expect(await deaths.read(signal)).toBe(1);
});

test('memory, garbage and commits are passed on', async () => {
  const heap = () => ({ used_heap_size: 10, external_memory: 20 });
  expect(await heapSensor(heap).read(signal)).toBe(10);
  expect(await externalMemorySensor(heap).read(signal)).toBe(20);
  expect(await garbageSensor(() => 1.23456).read(signal)).toBe(1.23);
  expect(await ledgerCommitSensor(() => ({ commit_ms: 6 })).read(signal)).toBe(6);
  expect(await ledgerCommitSensor(() => ({})).read(signal)).toBeUndefined();
});
