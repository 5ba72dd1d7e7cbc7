import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StoredEvent } from '../../runtime/contracts/ledger.js';
import { segmentsOf } from './energy-past.js';

const minuteMs = 60_000;

/** A snapshot of a device that uses 5 W. */
function snapshot(boot: string, minutes: number, wallMs: number, joules = minutes * 300): StoredEvent {
  const energy = { joules, prompt_joules: joules / 10, prompts: minutes, tokens: minutes * 10 };
  return {
    ...{ index: 0, type: 'snapshot_taken', module: 'sandozia', stream: null, correlation_id: null },
    ...{ v: 1, commitments: {}, leaf_hash: '', boot_id: boot, time_ms: wallMs },
    monotonic_ms: minutes * minuteMs,
    data: { energy },
  };
}

test('between two snapshots of a process, and from its start to the first one that is known', () => {
  const events = [
    snapshot('b', 10, 100 * minuteMs),
    snapshot('b', 5, 95 * minuteMs),
    snapshot('a', 20, 60 * minuteMs),
  ];
  const five = { lengthMs: 5 * minuteMs, joules: 1500, prompt_joules: 150, prompts: 5, tokens: 50 };
  expect(segmentsOf(events, 102 * minuteMs)).toEqual([
    { endedAgoMs: 2 * minuteMs, ...five },
    { endedAgoMs: 7 * minuteMs, ...five },
    {
      ...{ endedAgoMs: 42 * minuteMs, lengthMs: 20 * minuteMs },
      ...{ joules: 6000, prompt_joules: 600, prompts: 20, tokens: 200 },
    },
  ]);
  expect(segmentsOf([], 0)).toEqual([]);
});

test('an account that began anew, and snapshots that tell no energy, are no energy', () => {
  const silent = { ...snapshot('a', 8, 0), data: { level: 'normal' } };
  expect(segmentsOf([silent, silent], 0)).toEqual([]);
  const anew = segmentsOf([snapshot('a', 10, 0, 3), silent, snapshot('a', 5, 0, 300)], 0);
  expect(anew.map(({ joules }) => joules)).toEqual([300]);
});

test('a wall clock that jumped by a day either way puts no segment over another, nor into the future', () => {
  const dayMs = 1440 * minuteMs;
  for (const jumpMs of [dayMs, -dayMs]) {
    const events = [
      snapshot('a', 15, 15 * minuteMs + jumpMs),
      snapshot('a', 10, 10 * minuteMs),
      snapshot('a', 5, 5 * minuteMs),
    ];
    const segments = segmentsOf(events, 15 * minuteMs);
    expect(segments).toHaveLength(3);
    const [newer, older] = segments;
    expect(newer!.endedAgoMs).toBeGreaterThanOrEqual(0);
    expect(older!.endedAgoMs).toBeGreaterThanOrEqual(newer!.endedAgoMs + newer!.lengthMs);
  }
});

test('whatever the ledger says, segments come one before the other and use nothing negative', () => {
  const event = fc
    .record({
      boot: fc.constantFrom('a', 'b'),
      minutes: fc.nat(50),
      wall: fc.integer(),
      joules: fc.nat(9999),
    })
    .map(({ boot, minutes, wall, joules }) => snapshot(boot, minutes, wall, joules));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), fc.integer(), (events, nowMs) => {
      let agoMs = 0;
      for (const { endedAgoMs, lengthMs, joules, prompts } of segmentsOf(events, nowMs)) {
        expect(endedAgoMs).toBeGreaterThanOrEqual(agoMs);
        expect([lengthMs > 0, joules >= 0, prompts >= 0]).toEqual([true, true, true]);
        agoMs = endedAgoMs + lengthMs;
      }
    }),
  );
});
