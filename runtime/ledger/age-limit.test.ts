import { expect, it } from 'vitest';
import { AgeLimit, type AgeLimitOptions } from './age-limit.js';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 2, 1);

/** A wall clock and a monotonic one, each moved by the test. */
class TwoClocks {
  wall = start;
  monotonic = 0;
  wallMs = () => this.wall;
  monotonicMs = () => this.monotonic;
  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

function limit(change: Partial<AgeLimitOptions> = {}) {
  const clock = new TwoClocks();
  const state = { synchronised: false };
  const age = new AgeLimit({
    ageMaxMs: 30 * day,
    clock,
    isSynchronised: () => state.synchronised,
    knownMs: start - hour,
    size: 1000,
    ...change,
  });
  return { age, clock, state, before: (newestMs = start - hour) => age.old(newestMs)?.beforeMs };
}

it('counts back from the wall clock while it goes with the monotonic one', () => {
  const { before, clock } = limit();
  expect(before()).toBe(start - 30 * day);
  clock.pass(400 * day);
  expect(before()).toBe(start + 370 * day);
});

it('does not believe a clock that is before the newest event, even by a millisecond or when it is synchronised', () => {
  const { before, clock, state } = limit();
  state.synchronised = true;
  expect(before(start)).toBe(start - 30 * day);
  expect(before(start + 1)).toBeUndefined();
  clock.wall = 0;
  expect(before()).toBeUndefined();
  clock.wall = start;
  expect(before()).toBe(start - 30 * day);
});

it('believes a day ahead of what it knows, and no millisecond more until it is synchronised', () => {
  const { before, clock, state } = limit();
  clock.wall = start - hour + day;
  expect(before()).toBe(clock.wall - 30 * day);
  clock.wall += 1;
  expect(before()).toBeUndefined();
  // Events that were recorded with that time make it no truer.
  expect(before(clock.wall)).toBeUndefined();
  clock.pass(100 * day);
  expect(before(clock.wall)).toBeUndefined();
  state.synchronised = true;
  expect(before(clock.wall)).toBe(clock.wall - 30 * day);
  state.synchronised = false;
  clock.pass(5 * day);
  expect(before(clock.wall)).toBe(clock.wall - 30 * day);
});

it('is not led away in steps of less than a day', () => {
  const { before, clock } = limit();
  clock.wall += 20 * hour;
  expect(before()).toBeDefined();
  clock.wall += 20 * hour;
  expect(before()).toBeUndefined();
  clock.wall -= 40 * hour;
  expect(before()).toBe(start - 30 * day);
});

it('keeps what this run recorded until the run is that old itself', () => {
  const { age, clock } = limit();
  expect(age.old(start)).toMatchObject({ below: 1000 });
  clock.pass(30 * day - 1);
  expect(age.old(start)).toMatchObject({ below: 1000 });
  clock.pass(1);
  expect(age.old(start)).toMatchObject({ below: Number.MAX_SAFE_INTEGER });
});

it('of a new ledger takes the first event as what is known', () => {
  const { age, clock } = limit({ knownMs: undefined, size: 0 });
  expect(age.old(start)).toMatchObject({ beforeMs: start - 30 * day, below: 0 });
  clock.wall += day + 1;
  expect(age.old(start)).toBeUndefined();
});

it('has the time written down once an hour at most', () => {
  const { age, clock } = limit();
  expect(age.toRemember()).toBe(start);
  clock.pass(hour - 1);
  expect(age.toRemember()).toBeUndefined();
  clock.pass(1);
  expect(age.toRemember()).toBe(start + hour);
});
