import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkpointPagesFast, Pace, SyncTime } from './pace.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a batch', () => {
  const paceOf = (syncMs: number, pending: number) => {
    const send = vi.fn();
    const pace = new Pace(send);
    pace.answered(syncMs, pending);
    return { pace, send };
  };

  it('leaves at once on a fast disk, also while others are out', () => {
    const { pace } = paceOf(3.9, 100);
    expect(pace.holds({ collected: 1, isOut: true })).toBe(false);
    expect(pace.holds({ collected: 1, isOut: false })).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits on a slow disk for the one that is out, then for those who were answered, and no longer', () => {
    const { pace, send } = paceOf(20, 100);
    expect(pace.holds({ collected: 60, isOut: true })).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(pace.holds({ collected: 60, isOut: false })).toBe(true);
    expect(pace.holds({ collected: 99, isOut: false })).toBe(true);
    expect(pace.holds({ collected: 100, isOut: false })).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(send).not.toHaveBeenCalled();
  });

  it('waits a quarter of a sync at most, and then nobody is expected', () => {
    const { pace, send } = paceOf(20, 100);
    expect(pace.holds({ collected: 1, isOut: false })).toBe(true);
    vi.advanceTimersByTime(4);
    expect(send).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(send).toHaveBeenCalledTimes(1);
    expect(pace.holds({ collected: 1, isOut: false })).toBe(false);
    const { pace: stuck, send: sendStuck } = paceOf(60_000, 100);
    stuck.holds({ collected: 1, isOut: false });
    vi.advanceTimersByTime(8);
    expect(sendStuck).toHaveBeenCalledTimes(1);
  });

  it('of a single caller never waits', () => {
    const { pace } = paceOf(20, 1);
    expect(pace.holds({ collected: 1, isOut: false })).toBe(false);
  });

  it('is not told of a wait that was stopped', () => {
    const { pace, send } = paceOf(20, 100);
    pace.holds({ collected: 1, isOut: false });
    pace.stop();
    vi.advanceTimersByTime(1000);
    expect(send).not.toHaveBeenCalled();
  });
});

describe('the time of a sync', () => {
  it('follows the disk, and takes one slow commit for what it is', () => {
    const sync = new SyncTime();
    for (let n = 0; n < 100; n++) sync.add(20);
    expect(sync.ms).toBeCloseTo(20, 1);
    sync.add(2000);
    expect(sync.ms).toBeLessThan(25);
    for (let n = 0; n < 100; n++) sync.add(0.2);
    expect(sync.ms).toBeCloseTo(0.2, 1);
  });

  it.each([
    [0.2, checkpointPagesFast],
    [5, 2000],
    [10, 4000],
    [50, 8000],
  ])('of %d ms lets the write-ahead log grow to %d pages', (ms, pages) => {
    const sync = new SyncTime();
    for (let n = 0; n < 200; n++) sync.add(ms);
    expect(sync.checkpointPages()).toBe(pages);
  });
});
