import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BreakerOptions, checkOptions } from './breaker-options.js';
import { adaptSaved, type SavedBreaker } from './breaker-saved.js';
import type { BreakerSlot } from './breaker-slot.js';
import { breakerStates } from './breaker-types.js';
import { Core } from './index.js';
import { ReferenceBreaker } from './reference/breaker.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
const runs = long ? 100_000 : 3000;
const timeout = long ? 1_200_000 : 60_000;
let core = Core.create();
let taken = 0;

function take(
  options: BreakerOptions,
  restore?: { saved: SavedBreaker; nowMs: number },
): { slot: BreakerSlot; twin: ReferenceBreaker } {
  if (taken === core.breakers.slots) {
    core = Core.create();
    taken = 0;
  }
  taken++;
  const checked = checkOptions(options, core.layout);
  const slot = core.breakers.take(options, restore);
  if (restore === undefined) return { slot, twin: new ReferenceBreaker(checked) };
  const facts = adaptSaved(restore.saved, checked, core.layout);
  return { slot, twin: new ReferenceBreaker(checked, { facts, nowMs: restore.nowMs }) };
}

const rate = fc.oneof(fc.constantFrom(0, 0.3, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const window = fc.oneof(
  fc.record({ calls: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1023, 1024)) }),
  fc.integer({ min: 1, max: 60 }).chain((buckets) =>
    fc.record({
      buckets: fc.constant(buckets),
      ms: fc.oneof(
        fc.integer({ min: 5 * buckets, max: 5 * buckets + 300 }),
        fc.double({ min: 5 * buckets, max: 2000, noNaN: true }),
      ),
    }),
  ),
);
const slow = fc.option(fc.record({ ms: fc.double({ min: 1, max: 50, noNaN: true }), rate }), {
  nil: undefined,
});
const options: fc.Arbitrary<BreakerOptions> = fc
  .record({
    window,
    callsMin: fc.integer({ min: 1, max: 12 }),
    failureRate: rate,
    slow,
    openMs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.double({ min: 0, max: 100, noNaN: true })),
    longer: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1000, noNaN: true })),
    openGrowth: fc.oneof(fc.constantFrom(1, 2), fc.double({ min: 1, max: 5, noNaN: true })),
    openJitter: rate,
    seed: fc.integer({ min: 0, max: 0xffffffff }),
    halfOpenPermits: fc.integer({ min: 1, max: 5 }),
    halfOpenSuccesses: fc.integer({ min: 1, max: 8 }),
    halfOpenMs: fc.integer({ min: 0, max: 200 }),
  })
  .map(({ longer, ...some }) => ({
    ...some,
    openMsMax: some.openMs + longer,
    callsMin: 'calls' in some.window ? Math.min(some.callsMin, some.window.calls) : some.callsMin,
  }));

const step = fc.record({
  action: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('acquire', 'acquire', 'record', 'record') },
    { weight: 4, arbitrary: fc.constantFrom('again', 'stale') },
    { weight: 1, arbitrary: fc.constantFrom('forced_open', 'disabled', 'metrics_only', 'reset', 'reset') },
  ),
  pick: fc.nat(),
  outcome: fc.constantFrom('success', 'failure', 'failure', 'ignored' as const),
  durationMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 60, noNaN: true })),
  // Mostly forward; sometimes a thread brings an older reading of the clock, or the machine was asleep.
  passes: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 2, arbitrary: fc.double({ min: 0, max: 300, noNaN: true }) },
    { weight: 1, arbitrary: fc.integer({ min: -60, max: -1 }) },
    { weight: 1, arbitrary: fc.constantFrom(-86_400_000, 86_400_000, -5000, 5000) },
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const saved: fc.Arbitrary<SavedBreaker> = fc
  .record({
    state: fc.constantFrom(...breakerStates),
    step: fc.integer({ min: 0, max: 31 }),
    openMs: fc.double({ min: 0, max: 2000, noNaN: true }),
    calls: fc.oneof(fc.nat(20), fc.constantFrom(1024, 600_000)),
    failures: fc.double({ min: 0, max: 1, noNaN: true }),
    slow: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ calls, failures, slow, ...some }) => ({
    ...some,
    window: { calls, failures: Math.floor(failures * calls), slow: Math.floor(slow * calls) },
  }));

/** Plays a history to both and compares after each step. */
function play(slot: BreakerSlot, twin: ReferenceBreaker, steps: Step[], startMs: number): number {
  const held: number[] = [];
  const used: number[] = [0];
  let now = startMs;
  for (const { action, pick, outcome, durationMs, passes } of steps) {
    now = Math.max(0, now + passes);
    if (action === 'acquire') {
      const permit = slot.acquire(now);
      expect(permit).toBe(twin.acquire(now));
      if (permit >= 0) held.push(permit);
    } else if (action === 'record' || action === 'again' || action === 'stale') {
      const from = action === 'record' ? held : used;
      const permit = from[action === 'stale' ? 0 : pick % Math.max(1, from.length)];
      if (permit === undefined) continue;
      if (action === 'record') used.push(...held.splice(pick % held.length, 1));
      const seen = slot.record(permit, outcome, now, durationMs);
      expect(seen).toBe(twin.record(permit, outcome, now, durationMs));
    } else if (action === 'reset') {
      slot.reset(now);
      twin.reset(now);
    } else {
      const state = action as 'disabled';
      expect(slot.force(state, now)).toBe(twin.force(state, now));
    }
    expect(slot.save(now)).toEqual(twin.save(now));
  }
  expect(slot.counters()).toEqual(twin.counters);
  expect(slot.transition()).toBe(twin.transitions.length);
  for (const [i, transition] of twin.transitions.entries()) {
    const kept = twin.transitions.length - i <= 64;
    expect(slot.transitionAt(i + 1, now)).toEqual(kept ? transition : undefined);
  }
  return now;
}

const startMs = fc.constantFrom(0, 1000, 274_877_906_943 - 86_400_000 * 160);

describe('breaker against its reference', () => {
  it('agrees on every history', { timeout }, () => {
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 120 }), startMs, (chosen, steps, begins) => {
        const { slot, twin } = take(chosen);
        play(slot, twin, steps, begins);
      }),
      { numRuns: runs },
    );
  });

  it('agrees after a restart, whatever was saved and whatever the options have become', { timeout }, () => {
    const history = fc.array(step, { maxLength: 40 });
    fc.assert(
      fc.property(options, saved, startMs, history, options, history, (before, kept, at, one, after, two) => {
        const first = take(before, { saved: kept, nowMs: at });
        const now = play(first.slot, first.twin, one, at);
        const second = take(after, { saved: first.slot.save(now), nowMs: 17 });
        play(second.slot, second.twin, two, 17);
      }),
      { numRuns: Math.ceil(runs / 3) },
    );
  });

  it('slides through long runs of one outcome, over many laps and generations', { timeout }, () => {
    const run = fc.record({
      outcome: fc.constantFrom('success', 'success', 'failure' as const),
      durationMs: fc.constantFrom(0, 0, 0, 10),
      times: fc.integer({ min: 1, max: 30 }),
      reset: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(run, { maxLength: 30 }), (calls, history) => {
        const { slot, twin } = take({
          window: { calls },
          callsMin: 1,
          failureRate: 1,
          slow: { ms: 10, rate: 1 },
          openMs: 0,
          halfOpenPermits: 1,
          halfOpenMs: 0,
        });
        for (const { outcome, durationMs, times, reset } of history) {
          if (reset) {
            slot.reset(0);
            twin.reset(0);
          }
          // Nothing opens it, so that runs of failures slide too.
          expect(slot.force('metrics_only', 0)).toBe(twin.force('metrics_only', 0));
          for (let i = 0; i < times; i++) {
            const permit = slot.acquire(0);
            expect(permit).toBe(twin.acquire(0));
            expect(slot.record(permit, outcome, 0, durationMs)).toBe(
              twin.record(permit, outcome, 0, durationMs),
            );
            expect(slot.window(0)).toEqual(twin.save(0).window);
          }
        }
      }),
      { numRuns: Math.ceil(runs / 10) },
    );
  });
});
