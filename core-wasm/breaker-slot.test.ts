import { describe, expect, it } from 'vitest';
import type { BreakerOptions } from './breaker-options.js';
import type { BreakerSlot } from './breaker-slot.js';
import { Core } from './index.js';

let core = Core.create();
let taken = 0;

const defaults: BreakerOptions = {
  window: { calls: 4 },
  callsMin: 2,
  failureRate: 0.5,
  openMs: 1000,
  halfOpenPermits: 1,
  halfOpenMs: 5000,
};

function take(options: Partial<BreakerOptions> = {}): BreakerSlot {
  if (taken >= core.breakers.slots) {
    core = Core.create();
    taken = 0;
  }
  taken++;
  return core.breakers.take({ ...defaults, ...options });
}

function open(slot: BreakerSlot, nowMs: number): void {
  while (slot.state() === 'closed') slot.record(slot.acquire(nowMs), 'failure', nowMs);
}

describe('breaker', () => {
  it('slides: what is older than the window no longer counts', () => {
    const slot = take({ window: { calls: 1024 }, callsMin: 1024, failureRate: 0.5 });
    for (let i = 0; i < 511; i++) slot.record(slot.acquire(0), 'failure', 0);
    for (let i = 0; i < 3000; i++) slot.record(slot.acquire(0), 'success', 0);
    expect(slot.window(0)).toEqual({ calls: 1024, failures: 0, slow: 0 });
    for (let i = 0; i < 511; i++) slot.record(slot.acquire(0), 'failure', 0);
    expect(slot.state()).toBe('closed');
    expect(slot.record(slot.acquire(0), 'failure', 0)).toBe('moved');
    expect(slot.state()).toBe('open');
  });

  it.each([1, 2, 7, 1024])('keeps counting right when the laps of a window of %d begin again', (calls) => {
    const slot = take({ window: { calls }, callsMin: calls, failureRate: 1, slow: { ms: 10, rate: 1 } });
    slot.force('metrics_only', 0);
    const permit = slot.acquire(0);
    for (let i = 0; i < 4_200_000; i++) slot.record(permit, 'success', 0);
    expect(slot.window(0)).toEqual({ calls, failures: 0, slow: 0 });
    for (let i = 1; i <= calls; i++) slot.record(permit, 'failure', 0, i % 2 ? 10 : 0);
    expect(slot.window(0)).toEqual({ calls, failures: calls, slow: Math.ceil(calls / 2) });
    for (let i = 0; i < calls; i++) slot.record(permit, 'success', 0);
    expect(slot.window(0)).toEqual({ calls, failures: 0, slow: 0 });
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
    expect(slot.window(0)).toEqual({ calls: 0, failures: 0, slow: 0 });
    expect(slot.counters().openings).toBe(2);
  });

  it('an ignored probe gives its permit back, and a lost one opens it again', () => {
    const slot = take();
    open(slot, 0);
    slot.record(slot.acquire(1000), 'ignored', 5999);
    const lost = slot.acquire(5999);
    expect(slot.acquire(6000)).toBe(-1000);
    expect(slot.acquire(10_999)).toBe(-1000);
    expect(slot.transitionAt(slot.transition(), 10_999)?.cause).toBe('probe_lost');
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
    expect(slot.window(0)).toEqual({ calls: 0, failures: 0, slow: 0 });
    expect(slot.counters().late).toBe(2);
  });

  it('a window by time forgets a bucket at a time', () => {
    const slot = take({ window: { ms: 100, buckets: 4 }, callsMin: 2, failureRate: 0.6 });
    slot.record(slot.acquire(24), 'failure', 24);
    slot.record(slot.acquire(25), 'success', 25);
    expect(slot.window(99)).toEqual({ calls: 2, failures: 1, slow: 0 });
    expect(slot.window(100)).toEqual({ calls: 1, failures: 0, slow: 0 });
    expect(slot.window(125)).toEqual({ calls: 0, failures: 0, slow: 0 });
    slot.record(slot.acquire(1000), 'failure', 1000);
    expect(slot.record(slot.acquire(1074), 'failure', 1074)).toBe('moved');
    expect(slot.window(90_000)).toEqual({ calls: 2, failures: 2, slow: 0 });
  });

  it('a bucket that is full keeps its rates and half its weight', () => {
    const slot = take({ window: { ms: 100, buckets: 2 }, callsMin: 1_000_000 });
    for (let i = 0; i < 524_287; i++) slot.record(0, i % 4 ? 'success' : 'failure', 0);
    expect(slot.window(0)).toEqual({ calls: 524_287, failures: 131_072, slow: 0 });
    slot.record(0, 'failure', 0);
    expect(slot.window(0)).toEqual({ calls: 262_144, failures: 65_537, slow: 0 });
  });

  it('opens for slow calls, failed ones included, and tells which rate it was', () => {
    const slot = take({ slow: { ms: 100, rate: 0.75 }, failureRate: 1, callsMin: 4 });
    const call = (outcome: 'success' | 'failure', took: number) =>
      slot.record(slot.acquire(0), outcome, 0, took);
    expect([call('success', 99), call('success', 100), call('failure', 5000)]).not.toContain('moved');
    expect(call('success', 5000)).toBe('moved');
    expect(slot.window(0)).toEqual({ calls: 4, failures: 1, slow: 3 });
    expect(slot.transitionAt(1, 0)).toEqual({ from: 'closed', to: 'open', cause: 'slow_rate', timeMs: 0 });
    expect(slot.counters()).toMatchObject({ successes: 1, slow: 2, failures: 1 });
    expect(slot.record(slot.acquire(1000), 'success', 1200, 200)).toBe('moved');
    expect(slot.transitionAt(3, 0)?.cause).toBe('probe_slow');
  });

  it('a success never opens it, though it completes the calls that it needs', () => {
    const slot = take({ callsMin: 3 });
    for (const outcome of ['failure', 'failure', 'success'] as const)
      expect(slot.record(slot.acquire(0), outcome, 0)).toBe('counted');
    expect(slot.record(slot.acquire(0), 'failure', 0)).toBe('moved');
  });

  it('closes after its number of successes, in as many rounds as the permits make of it', () => {
    const slot = take({ halfOpenPermits: 2, halfOpenSuccesses: 5 });
    open(slot, 0);
    for (let round = 0; round < 2; round++) {
      const [one, two] = [slot.acquire(1000), slot.acquire(1000)];
      expect(slot.acquire(1000)).toBe(-1000);
      expect(slot.record(one as number, 'success', 1001)).toBe('counted');
      expect(slot.record(two as number, 'success', 1001)).toBe('counted');
    }
    expect(slot.record(slot.acquire(1002), 'success', 1002)).toBe('moved');
    expect(slot.state()).toBe('closed');
  });

  it('gives every round of probes permits of its own, also when the rounds begin again', () => {
    const slot = take();
    open(slot, 0);
    const permits = new Set<number>();
    for (let round = 0; round < 256; round++) {
      const permit = slot.acquire(1000);
      permits.add(permit);
      slot.record(permit, 'ignored', 1000);
      expect(slot.record(permit, 'success', 1000)).toBe('late');
    }
    expect(permits.size).toBe(256);
    expect(permits.has(slot.acquire(1000))).toBe(true);
    expect(slot.transition()).toBe(2);
  });

  it('stays open longer from opening to opening up to the cap, and shrinks with the time that it stays closed', () => {
    const slot = take({ openMs: 100, openMsMax: 500, openGrowth: 2, callsMin: 1 });
    const openings: number[] = [];
    let now = 0;
    for (let i = 0; i < 5; i++) {
      slot.record(slot.acquire(now), 'failure', now);
      openings.push(slot.retryAfterMs(now));
      now += slot.retryAfterMs(now);
    }
    expect(openings).toEqual([100, 200, 400, 500, 500]);
    slot.record(slot.acquire(now), 'success', now);
    // Step 5 of the next opening falls by one after 500, 500, 500, 400 and 200 ms.
    const steps = [0, 499, 500, 1000, 1500, 1899, 1900, 2100, 9999].map((later) => slot.step(now + later));
    expect(steps).toEqual([5, 5, 4, 3, 2, 2, 1, 0, 0]);
    slot.record(slot.acquire(now + 1900), 'failure', now + 1900);
    expect(slot.retryAfterMs(now + 1900)).toBe(200);
  });

  it('jitter only shortens, differs from opening to opening, and is the same for the same seed', () => {
    const times = (seed: number) => {
      const slot = take({ openMs: 1000, openJitter: 0.2, seed, callsMin: 1 });
      return Array.from({ length: 50 }, () => {
        slot.reset(0);
        slot.record(slot.acquire(0), 'failure', 0);
        return slot.retryAfterMs(0);
      });
    };
    const some = times(7);
    expect(times(7)).toEqual(some);
    expect(times(8)).not.toEqual(some);
    expect(new Set(some).size).toBe(50);
    expect(Math.min(...some)).toBeGreaterThanOrEqual(799.9);
    expect(Math.max(...some)).toBeLessThanOrEqual(1000);
  });

  it('forced open refuses all, disabled keeps counters only, metrics-only runs its window; reset ends each', () => {
    const slot = take({ openMs: 250 });
    expect([slot.force('forced_open', 5), slot.force('forced_open', 6)]).toEqual([true, false]);
    expect(slot.acquire(1_000_000)).toBe(-250);
    expect(slot.force('disabled', 7)).toBe(true);
    for (let i = 0; i < 10; i++) slot.record(slot.acquire(8), 'failure', 8);
    expect(slot.window(8)).toEqual({ calls: 0, failures: 0, slow: 0 });
    expect(slot.counters()).toMatchObject({ failures: 10, refused: 1, openings: 0 });
    slot.force('metrics_only', 9);
    for (let i = 0; i < 10; i++) slot.record(slot.acquire(9), 'failure', 9);
    expect(slot.window(9)).toEqual({ calls: 4, failures: 4, slow: 0 });
    expect(slot.state()).toBe('metrics_only');
    slot.reset(10);
    expect([slot.state(), slot.window(10).calls, slot.transitionAt(4, 10)]).toEqual([
      'closed',
      0,
      { from: 'metrics_only', to: 'closed', cause: 'reset', timeMs: 10 },
    ]);
  });

  it('a saved breaker goes on with the time that was left, and half-open is probed at once', () => {
    const before = take({ openMs: 1000, openMsMax: 8000 });
    open(before, 86_400_000);
    const saved = before.save(86_400_400);
    expect(saved).toEqual({
      state: 'open',
      step: 0,
      openMs: 600,
      window: { calls: 2, failures: 2, slow: 0 },
    });
    const restart = (options: Partial<BreakerOptions>, kept = saved) =>
      core.breakers.take({ ...defaults, ...options }, { saved: kept, nowMs: 20 });
    expect(restart({}).acquire(20)).toBe(-600);
    expect(restart({ openMs: 10, openMsMax: 50 }).acquire(20)).toBe(-50);
    const probe = restart({}, { ...saved, state: 'half_open', openMs: 0, step: 3 });
    expect([probe.state(), probe.step(20)]).toEqual(['open', 3]);
    expect(probe.acquire(20)).toBeGreaterThanOrEqual(0);
    expect(probe.state()).toBe('half_open');
    taken += 3;
  });

  it.each([
    [{ state: 'ajar' }, 'a saved state cannot be ajar'],
    [{ step: 32 }, 'step must be an integer from 0 to 31, not 32'],
    [{ openMs: Number.NaN }, 'openMs cannot be NaN'],
    [{ window: { calls: 1, failures: 2, slow: 0 } }, 'window.failures must be an integer from 0 to 1, not 2'],
  ])('refuses %o as a saved breaker', (change, message) => {
    const saved = {
      state: 'closed',
      step: 0,
      openMs: 0,
      window: { calls: 0, failures: 0, slow: 0 },
    } as const;
    expect(() =>
      core.breakers.take(defaults, { saved: { ...saved, ...(change as object) }, nowMs: 0 }),
    ).toThrow(message);
  });

  it('numbers transitions beyond 8,388,608 and keeps the last 64', () => {
    const slot = take();
    const all = 8_388_608;
    for (let i = 0; i < all + 100; i++) slot.reset(i);
    expect(slot.transition()).toBe(100);
    expect(slot.transitionAfter(all - 1)).toBe(0);
    const entry = { from: 'closed', to: 'closed', cause: 'reset' };
    expect(slot.transitionAt(100, 0)).toEqual({ ...entry, timeMs: all + 99 });
    expect(slot.transitionAt(37, 0)).toEqual({ ...entry, timeMs: all + 36 });
    expect(slot.transitionAt(36, 0)).toBeUndefined();
    expect(slot.transitionAt(101, 0)).toBeUndefined();
    for (let i = 0; i < 30; i++) slot.reset(i);
    expect(slot.acquire(0)).toBe(130 * 256);
  });

  it.each([
    ['window.calls', [0, 1025, 1.5, Number.NaN].map((calls) => ({ window: { calls } }))],
    ['window.buckets', [0, 61].map((buckets) => ({ window: { ms: 1000, buckets } }))],
    ['window.ms', [49, Number.NaN].map((ms) => ({ window: { ms, buckets: 10 } }))],
    ['callsMin', [0, 5].map((callsMin) => ({ callsMin }))],
    ['failureRate', [-0.1, 1.1, Number.NaN].map((failureRate) => ({ failureRate }))],
    ['slow.ms', [0, Number.NaN].map((ms) => ({ slow: { ms, rate: 1 } }))],
    ['slow.rate', [-1, 2].map((rate) => ({ slow: { ms: 1, rate } }))],
    ['openMs', [-1, Number.POSITIVE_INFINITY].map((openMs) => ({ openMs }))],
    ['openMsMax', [999, Number.NaN].map((openMsMax) => ({ openMsMax }))],
    ['openGrowth', [0.5, 1001].map((openGrowth) => ({ openGrowth }))],
    ['openJitter', [-0.1, 1.1].map((openJitter) => ({ openJitter }))],
    ['seed', [-1, 0.5, 2 ** 32].map((seed) => ({ seed }))],
    ['halfOpenPermits', [0, 65].map((halfOpenPermits) => ({ halfOpenPermits }))],
    ['halfOpenSuccesses', [0, 1001].map((halfOpenSuccesses) => ({ halfOpenSuccesses }))],
    ['halfOpenMs', [-1, Number.NaN].map((halfOpenMs) => ({ halfOpenMs }))],
  ] as [string, Partial<BreakerOptions>[]][])('refuses %s out of bounds', (name, values) => {
    for (const options of values) expect(() => take(options)).toThrow(new RegExp(`^${name} must be`));
  });

  it('refuses times, durations, permits, outcomes and transitions that cannot be', () => {
    const slot = take();
    for (const now of [-1, Number.NaN, Number.POSITIVE_INFINITY, 274_877_906_944]) {
      const message = `a time must be from 0 to below 274877906944 ms, not ${now}`;
      expect(() => slot.acquire(now)).toThrow(new RangeError(message));
      expect(() => slot.record(0, 'success', now)).toThrow(new RangeError(message));
      expect(() => slot.reset(now)).toThrow(new RangeError(message));
    }
    for (const permit of [-1, 0.5, 2 ** 31, Number.NaN]) {
      const message = `a permit must be an integer from 0 to 2147483647, not ${permit}`;
      expect(() => slot.record(permit, 'success', 0)).toThrow(new RangeError(message));
    }
    for (const took of [-1, Number.NaN])
      expect(() => slot.record(0, 'success', 0, took)).toThrow(`0 ms or more, not ${took}`);
    expect(() => slot.record(0, 'maybe' as 'success', 0)).toThrow(RangeError);
    expect(() => slot.transitionAt(8_388_608, 0)).toThrow(RangeError);
    expect(() => slot.force('closed' as 'disabled', 0)).not.toThrow();
    expect(() => slot.force('open' as 'disabled', 0)).toThrow('an argument is out of range');
    expect(slot.counters()).toMatchObject({ successes: 0, late: 0 });
  });

  it('says when all slots are taken, and knows only slots that were', () => {
    const own = Core.create();
    expect(() => own.breakers.at(0)).toThrow('there is no breaker in slot 0');
    for (let i = 0; i < own.breakers.slots; i++) expect(own.breakers.take(defaults).index).toBe(i);
    expect(() => own.breakers.take(defaults)).toThrow('all 256 breaker slots');
    expect(own.breakers.at(255).state()).toBe('closed');
    expect(() => own.breakers.at(256)).toThrow(RangeError);
  });
});
