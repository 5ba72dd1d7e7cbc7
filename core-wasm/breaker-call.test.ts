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
});
