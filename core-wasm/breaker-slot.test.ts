import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BreakerOptions, BreakerSlot } from './breaker-slot.js';
import { Core } from './index.js';
import { ReferenceBreaker } from './reference/breaker.js';

const runs = process.env.ARKALIA_TEST_LONG ? 50_000 : 3000;
let core = Core.create();
let taken = 0;

function take(options: Partial<BreakerOptions> = {}): BreakerSlot {
  if (taken === core.breakers.slots) {
    core = Core.create();
    taken = 0;
  }
  taken++;
  return core.breakers.take({
    windowCalls: 4,
    callsMin: 2,
    failureRate: 0.5,
    openMs: 1000,
    halfOpenPermits: 1,
    halfOpenMs: 5000,
    ...options,
  });
}

function open(slot: BreakerSlot, nowMs: number): void {
  while (slot.state() === 'closed') slot.record(slot.acquire(nowMs), 'failure', nowMs);
}

const outcome = fc.constantFrom('success', 'failure', 'ignored' as const);
const step = fc.record({
  action: fc.constantFrom('acquire', 'acquire', 'record', 'record', 'again', 'stale'),
  pick: fc.nat(),
  outcome,
  // Mostly forward; sometimes a thread brings an older reading of the clock.
  passes: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 2, arbitrary: fc.double({ min: 0, max: 300, noNaN: true }) },
    { weight: 1, arbitrary: fc.integer({ min: -60, max: -1 }) },
  ),
});
const options = fc
  .record({
    windowCalls: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1023, 1024)),
    callsMin: fc.integer({ min: 1, max: 12 }),
    failureRate: fc.oneof(fc.constantFrom(0, 0.3, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    openMs: fc.integer({ min: 0, max: 200 }),
    halfOpenPermits: fc.integer({ min: 1, max: 5 }),
    halfOpenMs: fc.integer({ min: 0, max: 200 }),
  })
  .map((some) => ({ ...some, callsMin: Math.min(some.callsMin, some.windowCalls) }));

describe('breaker', () => {
  it('agrees with the reference on every history', () => {
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 120 }), (chosen, steps) => {
        const slot = take(chosen);
        const twin = new ReferenceBreaker(chosen);
        const held: number[] = [];
        const used: number[] = [0];
        let now = 1000;
        for (const { action, pick, outcome, passes } of steps) {
          now = Math.max(0, now + passes);
          if (action === 'acquire') {
            const permit = slot.acquire(now);
            expect(permit).toBe(twin.acquire(now));
            if (permit >= 0) held.push(permit);
          } else {
            const from = action === 'record' ? held : used;
            const permit = from[action === 'stale' ? 0 : pick % Math.max(1, from.length)];
            if (permit === undefined) continue;
            if (action === 'record') used.push(...held.splice(pick % held.length, 1));
            expect(slot.record(permit, outcome, now)).toBe(twin.record(permit, outcome, now));
          }
          expect(slot.state()).toBe(twin.state);
          expect(slot.window()).toEqual(twin.window());
          expect(slot.retryAfterMs(now)).toBe(twin.retryAfterMs(now));
        }
        expect(slot.counters()).toEqual(twin.counters);
        expect(slot.transition()).toBe(twin.transitions.length);
        for (const [i, transition] of twin.transitions.entries()) {
          const kept = twin.transitions.length - i <= 64;
          expect(slot.transitionAt(i + 1)).toEqual(kept ? transition : undefined);
        }
      }),
      { numRuns: runs },
    );
  });

  it('slides: what is older than the window no longer counts', () => {
    const slot = take({ windowCalls: 1024, callsMin: 1024, failureRate: 0.5 });
    for (let i = 0; i < 511; i++) slot.record(slot.acquire(0), 'failure', 0);
    for (let i = 0; i < 3000; i++) slot.record(slot.acquire(0), 'success', 0);
    expect(slot.window()).toEqual({ calls: 1024, failures: 0 });
    for (let i = 0; i < 511; i++) slot.record(slot.acquire(0), 'failure', 0);
    expect(slot.state()).toBe('closed');
    expect(slot.record(slot.acquire(0), 'failure', 0)).toBe('moved');
    expect(slot.state()).toBe('open');
  });

  it('keeps counting right when the laps of a window begin again', () => {
    const slot = take({ windowCalls: 2, callsMin: 2, failureRate: 1 });
    for (let i = 0; i < 10_001; i++) slot.record(slot.acquire(0), i % 2 ? 'failure' : 'success', 0);
    expect(slot.window()).toEqual({ calls: 2, failures: 1 });
    expect(slot.state()).toBe('closed');
  });

  it('opens for exactly its open time and says how long', () => {
    const slot = take();
    open(slot, 100);
    expect(slot.acquire(100)).toBe(-1000);
    expect(slot.acquire(1099.5)).toBe(-1);
    expect(slot.retryAfterMs(1099.5)).toBe(0.5);
    expect(slot.acquire(1100)).toBeGreaterThanOrEqual(0);
    expect(slot.state()).toBe('half_open');
  });

  it('a success closes with an empty window; a failed probe opens again', () => {
    const slot = take();
    open(slot, 0);
    expect(slot.record(slot.acquire(1000), 'failure', 1001)).toBe('moved');
    expect(slot.acquire(2000)).toBe(-1);
    expect(slot.record(slot.acquire(2001), 'success', 2002)).toBe('moved');
    expect(slot.window()).toEqual({ calls: 0, failures: 0 });
    expect(slot.counters().openings).toBe(2);
  });

  it('an ignored probe gives its permit back, and a lost one opens it again', () => {
    const slot = take();
    open(slot, 0);
    slot.record(slot.acquire(1000), 'ignored', 5999);
    const lost = slot.acquire(5999);
    expect(slot.acquire(6000)).toBe(-1000);
    expect(slot.acquire(10_999)).toBe(-1000);
    expect(slot.transitionAt(slot.transition())?.cause).toBe('probe_lost');
    expect(slot.record(lost, 'success', 11_000)).toBe('late');
    expect(slot.state()).toBe('open');
  });

  it('a permit of an earlier generation changes nothing, not even after the breaker has closed again', () => {
    const slot = take();
    const early = slot.acquire(0);
    open(slot, 0);
    expect(slot.record(early, 'failure', 1)).toBe('late');
    slot.record(slot.acquire(1000), 'success', 1000);
    expect(slot.record(early, 'failure', 1001)).toBe('late');
    expect(slot.window()).toEqual({ calls: 0, failures: 0 });
    expect(slot.counters().late).toBe(2);
  });

  it('numbers transitions beyond 16,384 and keeps the last 64', () => {
    const slot = take({ openMs: 0, windowCalls: 1, callsMin: 1 });
    let number = 0;
    for (let i = 0; i < 5500; i++) {
      slot.record(slot.acquire(i), 'failure', i);
      slot.record(slot.acquire(i), 'success', i);
      for (let n = 0; n < 3; n++) number = slot.transitionAfter(number);
    }
    expect(slot.transition()).toBe(number);
    expect(number).toBe((3 * 5500) % 16_384);
    expect(slot.transitionAt(number)).toEqual({ from: 'half_open', to: 'closed', cause: 'probes_succeeded' });
    expect(slot.transitionAt(number - 63)).toBeDefined();
    expect(slot.transitionAt(number - 64)).toBeUndefined();
    expect(slot.transitionAt(number + 1)).toBeUndefined();
  });

  it.each([
    ['windowCalls', [0, 1025, 1.5, Number.NaN]],
    ['callsMin', [0, 5]],
    ['failureRate', [-0.1, 1.1, Number.NaN]],
    ['openMs', [-1, Number.POSITIVE_INFINITY]],
    ['halfOpenPermits', [0, 65]],
    ['halfOpenMs', [-1, Number.NaN]],
  ] as const)('refuses %s out of bounds', (name, values) => {
    for (const value of values) expect(() => take({ [name]: value })).toThrow(new RegExp(`^${name} must be`));
  });

  it('refuses times, permits, outcomes and transitions that cannot be', () => {
    const slot = take();
    for (const now of [-1, Number.NaN, Number.POSITIVE_INFINITY, 274_877_906_944]) {
      expect(() => slot.acquire(now)).toThrow(RangeError);
      expect(() => slot.record(0, 'success', now)).toThrow(RangeError);
    }
    for (const permit of [-1, 0.5, 2 ** 28, Number.NaN]) {
      expect(() => slot.record(permit, 'success', 0)).toThrow(RangeError);
    }
    expect(() => slot.record(0, 'maybe' as 'success', 0)).toThrow(RangeError);
    expect(() => slot.transitionAt(16_384)).toThrow(RangeError);
  });

  it('says when all slots are taken, and knows only slots that were', () => {
    const own = Core.create();
    expect(() => own.breakers.at(0)).toThrow('there is no breaker in slot 0');
    const full = {
      windowCalls: 1,
      callsMin: 1,
      failureRate: 1,
      openMs: 1,
      halfOpenPermits: 1,
      halfOpenMs: 1,
    };
    for (let i = 0; i < own.breakers.slots; i++) expect(own.breakers.take(full).index).toBe(i);
    expect(() => own.breakers.take(full)).toThrow('all 256 breaker slots');
    expect(own.breakers.at(255).state()).toBe('closed');
    expect(() => own.breakers.at(256)).toThrow(RangeError);
  });
});
