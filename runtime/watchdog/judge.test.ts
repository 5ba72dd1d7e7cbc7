import { expect, test } from 'vitest';
import type { Part, Watched } from './beats.js';
import { Judge, lookMs } from './judge.js';

/** Parts by slot, each with the time of its last beat; time goes on in looks. */
function scene() {
  const judge = new Judge();
  const beats = new Map<number, { part: Part; pid: number; silentMsMax: number; atMs: number }>();
  let nowMs = -5000;
  const told: string[] = [];
  let healthy = true;
  const look = (afterMs = lookMs) => {
    nowMs += afterMs;
    const watched = [...beats].map(
      ([slot, { atMs, ...one }]): Watched => ({ slot, ...one, ageMs: nowMs - atMs }),
    );
    const judgement = judge.look(nowMs, watched);
    for (const kind of ['late', 'stuck', 'back'] as const)
      for (const { part, silentMs } of judgement[kind]) told.push(`${kind} ${part} ${silentMs}`);
    healthy = judgement.healthy;
  };
  return {
    told,
    healthy: () => healthy,
    put: (slot: number, part: Part, silentMsMax: number, pid = 0) =>
      beats.set(slot, { part, pid, silentMsMax, atMs: nowMs }),
    remove: (slot: number) => beats.delete(slot),
    /** Looks for so long; the slots named beat before each look. */
    run: (ms: number, ...alive: number[]) => {
      for (let passed = 0; passed < ms; passed += lookMs) {
        for (const slot of alive) beats.get(slot)!.atMs = nowMs + lookMs;
        look();
      }
    },
    look,
  };
}

test('half of the time is late, all of it is stuck, each told once; a beat makes it well again', () => {
  const { put, run, told, healthy } = scene();
  put(0, 'http', 10_000);
  run(6000);
  expect(told).toEqual(['late http 5500']);
  run(4000);
  expect(told).toHaveLength(1);
  expect(healthy()).toBe(true);
  run(2000);
  expect(told).toHaveLength(2);
  expect(told[1]).toMatch(/^stuck http 10\d00$/);
  expect(healthy()).toBe(false);
  run(500, 0);
  expect(told[2]).toBe('back http 0');
  expect(healthy()).toBe(true);
});

test('who stood still itself blames nobody for that time', () => {
  const { put, run, look, told } = scene();
  put(0, 'http', 10_000);
  put(1, 'ledger', 10_000);
  run(1000, 0, 1);
  look(3_600_000);
  run(4000);
  expect(told).toEqual([]);
  run(8000);
  expect(told.filter((line) => line.startsWith('stuck'))).toHaveLength(2);
});

test('a look that is late by less than that hides nothing', () => {
  const { put, run, look, told } = scene();
  put(0, 'http', 3000);
  run(500, 0);
  look(1900);
  look(1900);
  expect(told).toEqual(['late http 1900', 'stuck http 3800']);
});

test('sandboxes are heard through the HTTP thread: while it is silent they are not missed, and then have their whole time again', () => {
  const { put, run, told } = scene();
  put(0, 'http', 60_000);
  put(1, 'sandbox', 10_000, 77);
  run(25_000, 1);
  expect(told).toEqual([]);
  run(30_000);
  expect(told.filter((line) => line.includes('sandbox'))).toEqual([]);
  run(9000, 0);
  expect(told.filter((line) => line.startsWith('stuck sandbox'))).toEqual([]);
  run(4000, 0);
  expect(told.filter((line) => line.startsWith('stuck sandbox'))).toHaveLength(1);
});

test('a stuck sandbox does not make the process unhealthy; a stuck writer or pool does', () => {
  const { put, run, healthy } = scene();
  put(0, 'http', 5000);
  put(1, 'sandbox', 5000, 77);
  run(8000, 0);
  expect(healthy()).toBe(true);
  put(2, 'ledger', 5000);
  run(8000, 0, 1);
  expect(healthy()).toBe(false);
});

test('another process in the same slot is judged anew, and a slot that was given back is forgotten', () => {
  const { put, run, remove, told } = scene();
  put(0, 'http', 5000);
  put(1, 'sandbox', 5000, 77);
  run(8000, 0);
  put(1, 'sandbox', 5000, 78);
  run(8000, 0);
  expect(told.filter((line) => line.startsWith('stuck'))).toHaveLength(2);
  remove(1);
  run(1000, 0);
  put(1, 'sandbox', 5000, 78);
  run(8000, 0);
  expect(told.filter((line) => line.startsWith('stuck'))).toHaveLength(3);
});
