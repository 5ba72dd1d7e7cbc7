import { describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import type { SlotOutcome } from '../contracts/admission.js';
import { createAdmission } from './admission.js';
import { SimulatedTime } from './simulated-time.js';
import type { AdaptiveLimit } from './slots.js';

function setUp(limit: AdaptiveLimit, queueMax = 8) {
  const time = new SimulatedTime();
  const admission = createAdmission({
    engines: { model: { slots: limit, queueMax } },
    level: () => 'normal',
    clock: time.clock,
    setTimer: time.setTimer,
  });
  const { signal } = new AbortController();
  const admit = () => admission.admit('model', { client: 'anna', deadlineMs: 1e9, signal });
  const status = () => admission.status().model!;
  return { time, admit, status };
}

/** A limit that a test sets by hand, and the samples it was given. */
function byHand(now: number, max = 8) {
  const samples: [number, number, boolean][] = [];
  const limit = {
    max,
    value: now,
    samples,
    now: () => limit.value,
    sample: (rttMs: number, inFlight: number, dropped: boolean) => {
      samples.push([rttMs, inFlight, dropped]);
    },
    figures: () => ({ longRttMs: 0, samples: samples.length, dropped: 0 }),
  };
  return limit;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('adaptive slots', () => {
  it('sample the time until the answer began, and how many ran when the call started', async () => {
    const limit = byHand(2);
    const { time, admit, status } = setUp(limit);
    const [first, second] = [await admit(), await admit()];
    time.advance(30);
    first.began();
    time.advance(300);
    first.began();
    first.release('success');
    second.release('dropped');
    first.release('dropped');
    expect(limit.samples).toEqual([
      [30, 1, false],
      [330, 2, true],
    ]);
    expect(status()).toEqual({
      slots: 2,
      busy: 0,
      waiting: 0,
      waitingMax: 8,
      adaptive: { slotsMax: 8, longRttMs: 0, samples: 2, dropped: 0 },
    });
  });

  it.each([undefined, 'ignored'] as const)('learn nothing from a call released with %s', async (outcome) => {
    const limit = byHand(1);
    const { admit } = setUp(limit);
    (await admit()).release(outcome as SlotOutcome | undefined);
    expect(limit.samples).toEqual([]);
  });

  it('let more start when the limit has grown, and none until enough have ended when it has shrunk', async () => {
    const limit = byHand(3);
    const { admit, status } = setUp(limit);
    const running = [await admit(), await admit(), await admit()];
    const started: number[] = [];
    const waiting = [0, 1, 2, 3].map((i) => admit().then((slot) => [started.push(i), slot] as const));
    limit.value = 1;
    running[0]!.release('success');
    running[1]!.release('success');
    await settled();
    expect([started, status().busy, status().slots]).toEqual([[], 1, 1]);
    limit.value = 3;
    running[2]!.release('success');
    await settled();
    expect([started, status().busy, status().waiting]).toEqual([[0, 1, 2], 3, 1]);
    (await waiting[0])?.[1].release();
    await Promise.all(waiting);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  it('find out that a simulated engine works on three prompts at once', async () => {
    const limit = Core.create().limits.take({ min: 1, initial: 1, max: 8 });
    const { time, admit, status } = setUp(limit, 100);
    let running = 0;
    for (let round = 0; round < 60; round++) {
      const slots = await Promise.all(Array.from({ length: status().slots }, admit));
      running = slots.length;
      // Beyond three, all take longer.
      time.advance(100 * Math.max(1, running / 3));
      for (const slot of slots) {
        slot.began();
        slot.release('success');
      }
    }
    expect(running).toBeGreaterThanOrEqual(3);
    expect(running).toBeLessThanOrEqual(5);
    for (let i = 0; i < 40; i++) {
      const slot = await admit();
      time.advance(5000);
      slot.release('dropped');
    }
    expect(status()).toMatchObject({ slots: 1, adaptive: { slotsMax: 8, dropped: 40 } });
  });
});
