import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Slot } from '../contracts/admission.js';
import type { DegradationLevel } from '../contracts/device.js';
import { EngineAdmission } from './admission.js';
import { shedAt } from './shed.js';

function setUp(slots = 1, queue_max = 2) {
  const time = { ms: 0 };
  let level: DegradationLevel = 'normal';
  const timers = new Map<() => void, number>();
  const admission = new EngineAdmission({
    engines: { ollama: { slots, queue_max }, navigator: { slots, queue_max } },
    level: () => level,
    clock: { monotonicMs: () => time.ms, wallMs: () => 0 },
    setTimer: (run, ms) => {
      timers.set(run, time.ms + ms);
      return () => timers.delete(run);
    },
  });
  const ask = (client = 'a', options: { deadlineMs?: number; signal?: AbortSignal; engine?: string } = {}) =>
    admission.admit(options.engine ?? 'ollama', {
      client,
      deadlineMs: options.deadlineMs ?? 1000,
      signal: options.signal ?? new AbortController().signal,
    });
  return {
    admission,
    ask,
    timers,
    setLevel: (to: DegradationLevel) => {
      level = to;
    },
    advance: (ms: number) => {
      time.ms += ms;
      for (const [run, at] of [...timers]) if (at <= time.ms) run();
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('free slots are given at once, then places in the queue, then 503 with when to come back', async () => {
  const { ask, admission } = setUp();
  const slot = await ask();
  const second = ask();
  const third = ask();
  await expect(ask()).rejects.toMatchObject({ code: 'queue_full', retryAfterMs: 15_000 });
  expect(admission.status().ollama).toEqual({ slots: 1, busy: 1, waiting: 2, waitingMax: 2 });
  slot.release();
  (await second).release();
  (await third).release();
  expect(admission.status().ollama).toMatchObject({ busy: 0, waiting: 0 });
});

test('a slot released twice is one slot', async () => {
  const { ask, admission } = setUp();
  const slot = await ask();
  slot.release();
  slot.release();
  expect(admission.status().ollama!.busy).toBe(0);
});

test('clients take turns, however many each has waiting', async () => {
  const { ask } = setUp(1, 10);
  const order: string[] = [];
  const first = await ask('greedy');
  const run = (client: string) =>
    ask(client).then((slot) => {
      order.push(client);
      slot.release();
    });
  const all = [run('greedy'), run('greedy'), run('greedy'), run('modest'), run('other')];
  first.release();
  await Promise.all(all);
  expect(order).toEqual(['greedy', 'modest', 'other', 'greedy', 'greedy']);
});

test('who waits past the deadline is refused then, not before, and leaves no timer', async () => {
  const { ask, advance, timers, admission } = setUp();
  await ask();
  let refused: unknown;
  ask('b', { deadlineMs: 500 }).catch((error: unknown) => {
    refused = error;
  });
  advance(499);
  await settled();
  expect(refused).toBeUndefined();
  advance(1);
  await settled();
  expect(refused).toMatchObject({ code: 'deadline_exceeded' });
  expect(timers.size).toBe(0);
  expect(admission.status().ollama!.waiting).toBe(0);
  await expect(ask('b', { deadlineMs: 500 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
});

test('a client that goes gives its place back', async () => {
  const { ask, admission, timers } = setUp();
  await ask();
  const controller = new AbortController();
  const waiting = ask('b', { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'shutting_down' });
  expect(admission.status().ollama!.waiting).toBe(0);
  expect(timers.size).toBe(0);
  await expect(ask('b', { signal: controller.signal })).rejects.toMatchObject({ code: 'shutting_down' });
});

test('each level sheds what it says', async () => {
  const { ask, admission, setLevel } = setUp(1, 3);
  await ask();
  setLevel('moderate');
  expect(admission.status().ollama!.waitingMax).toBe(2);
  setLevel('heavy');
  await expect(ask()).rejects.toMatchObject({ code: 'queue_full' });
  setLevel('emergency');
  await expect(ask()).rejects.toMatchObject({ code: 'degraded' });
  await ask('a', { engine: 'navigator' });
  setLevel('survival');
  await expect(ask('a', { engine: 'navigator' })).rejects.toMatchObject({ code: 'degraded' });
  expect(shedAt('normal')).toEqual([]);
  expect(shedAt('survival')).toHaveLength(2);
});

test('close refuses whatever waits and whatever comes', async () => {
  const { ask, admission } = setUp();
  await ask();
  const waiting = ask();
  admission.close();
  await expect(waiting).rejects.toMatchObject({ code: 'shutting_down' });
  await expect(ask()).rejects.toMatchObject({ code: 'shutting_down' });
});

test('never more busy than slots, never more waiting than places, nothing lost', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), client: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constant('release' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 600 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { admission, ask, advance } = setUp(2, 3);
      let asked = 0;
      let ended = 0;
      const held: Slot[] = [];
      for (const one of steps) {
        if (one.kind === 'ask') {
          asked += 1;
          ask(one.client, { deadlineMs: 1e9 }).then(
            (slot) => held.push(slot),
            () => {
              ended += 1;
            },
          );
        } else if (one.kind === 'release' && held.length > 0) {
          held.splice(one.which % held.length, 1)[0]!.release();
          ended += 1;
        } else if (one.kind === 'advance') advance(one.ms);
        await settled();
        const { busy, waiting } = admission.status().ollama!;
        expect(busy).toBe(held.length);
        expect(busy).toBeLessThanOrEqual(2);
        expect(waiting).toBeLessThanOrEqual(3);
        if (waiting > 0) expect(busy).toBe(2);
        expect(ended + busy + waiting).toBe(asked);
      }
    }),
    { numRuns: 50 },
  );
});
