import { describe, expect, it } from 'vitest';
import { BreakerRefusal, throughBreaker } from './breaker-call.js';
import { Core } from './index.js';

const core = Core.create();
const options = {
  window: { calls: 2 },
  callsMin: 1,
  failureRate: 1,
  slow: { ms: 100, rate: 1 },
  openMs: 1000,
  halfOpenPermits: 1,
  halfOpenMs: 5000,
};

describe('throughBreaker', () => {
  it('gives what the call gives and reports how long it took', async () => {
    const slot = core.breakers.take(options);
    let now = 5;
    const value = await throughBreaker(
      slot,
      () => now,
      async () => {
        now += 100;
        return 'answer';
      },
    );
    expect(value).toBe('answer');
    expect(slot.counters()).toMatchObject({ slow: 1, successes: 0 });
    expect(slot.state()).toBe('open');
  });

  it.each([
    ['rejects', async () => Promise.reject(new Error('broken'))],
    [
      'throws at once',
      () => {
        throw new Error('broken');
      },
    ],
  ])('a call that %s is a failure and its error goes on', async (_, call) => {
    const slot = core.breakers.take(options);
    await expect((async () => throughBreaker(slot, () => 0, call))()).rejects.toThrow('broken');
    expect(slot.counters()).toMatchObject({ failures: 1, openings: 1 });
  });

  it('refuses as a value without running the call', async () => {
    const slot = core.breakers.take(options);
    slot.record(slot.acquire(0), 'failure', 0);
    let ran = false;
    const refused = throughBreaker(
      slot,
      () => 400,
      async () => {
        ran = true;
      },
    );
    expect(refused).toEqual(new BreakerRefusal(600));
    expect(ran).toBe(false);
  });

  it('an error that says nothing about the other side is ignored', async () => {
    const slot = core.breakers.take(options);
    const mine = async () => Promise.reject(new TypeError('my mistake'));
    const judge = (error: unknown) => (error instanceof TypeError ? 'ignored' : 'failure');
    await expect(throughBreaker(slot, () => 0, mine, judge)).rejects.toThrow('my mistake');
    expect(slot.counters()).toMatchObject({ ignored: 1, failures: 0 });
    expect(slot.state()).toBe('closed');
  });

  it('calls of one turn that share their callbacks are each reported once, under their own permit', async () => {
    const slot = core.breakers.take({ ...options, window: { calls: 10 }, callsMin: 10 });
    let now = 0;
    const clock = () => now;
    const ends: ((failed: boolean) => void)[] = [];
    const call = () =>
      new Promise<number>((resolve, reject) => {
        const number = ends.length;
        ends.push((failed) => (failed ? reject(new Error(`broken ${number}`)) : resolve(number)));
      });
    const judge = () => 'ignored' as const;
    const first = [1, 2, 3].map(() => throughBreaker(slot, clock, call));
    const judged = throughBreaker(slot, clock, call, judge);
    slot.reset(now);
    now = 100;
    const second = throughBreaker(slot, clock, call);
    const seen = Promise.allSettled([...first, judged, second]);
    for (const [i, end] of ends.entries()) end(i === 3 || i === 4);
    expect((await seen).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
      0,
      1,
      2,
      'Error: broken 3',
      'Error: broken 4',
    ]);
    // Those that began before the reset are late, whatever they say.
    expect(slot.counters()).toMatchObject({ successes: 0, failures: 1, ignored: 0, late: 4, slow: 0 });
  });
});
