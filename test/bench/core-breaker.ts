import { Core, throughBreaker } from '../../core-wasm/index.js';
import { byCount, byTime, cockatielByCount, opossum } from './core-rivals.js';
import { type Figure, inTurn, median, nsEach, paired, report } from './core-section.js';

// The breaker alone, in one thread, the time passed in. The others have no such call: they own the call and read their own clock.
const calls = 50_000;
const refusals = 1000;
const rounds = 81;
const { breakers } = Core.create();
const counting = breakers.take(byCount);
const timing = breakers.take(byTime);
const open = breakers.take({ ...byCount, callsMin: 1 });
open.record(open.acquire(0), 'failure', 0);

const call = async () => 1;
const failing = async () => Promise.reject(new Error('broken'));
const theirs = cockatielByCount();
for (let i = 0; i < 10; i++) await theirs.execute(failing).catch(() => undefined);
const fired = opossum(call, true);
fired.open();
const now = () => 1;

async function nsEachRefusal(refused: () => Promise<unknown>): Promise<number> {
  let caught = 0;
  const began = performance.now();
  for (let i = 0; i < refusals; i++) {
    try {
      await refused();
    } catch {
      caught++;
    }
  }
  const ns = ((performance.now() - began) * 1e6) / refusals;
  if (caught !== refusals) throw new Error(`${refusals - caught} calls were not refused`);
  return ns;
}

const seen = await inTurn(rounds, {
  count: () =>
    nsEach(calls, (count) => {
      for (let i = 0; i < count; i++) {
        const nowMs = i / 1000;
        const permit = counting.acquire(nowMs);
        if (permit >= 0) counting.record(permit, 'success', nowMs, 1);
      }
    }),
  time: () =>
    nsEach(calls, (count) => {
      for (let i = 0; i < count; i++) {
        const nowMs = i / 1000;
        const permit = timing.acquire(nowMs);
        if (permit >= 0) timing.record(permit, 'success', nowMs, 1);
      }
    }),
  refuse: () =>
    nsEach(calls, (count) => {
      let refused = 0;
      for (let i = 0; i < count; i++) if (open.acquire(i / 1000) < 0) refused++;
      if (refused !== count) throw new Error('an open breaker let a call through');
    }),
  value: () =>
    nsEach(calls, (count) => {
      let waitMs = 0;
      for (let i = 0; i < count; i++) {
        const refusal = throughBreaker(open, now, call);
        if (!('retryAfterMs' in refusal)) throw new Error('an open breaker let a call through');
        waitMs += refusal.retryAfterMs;
      }
      if (waitMs <= 0) throw new Error('a refusal without a time to wait');
    }),
  cockatiel: () => nsEachRefusal(() => theirs.execute(call)),
  opossum: () => nsEachRefusal(() => fired.fire()),
});

const ns = (what: string, key: keyof typeof seen, aim?: number): Figure => ({
  what,
  value: median(seen[key]),
  unit: 'ns',
  ...(aim === undefined ? {} : { aim }),
});
const times = (what: string, key: keyof typeof seen): Figure => ({
  what,
  value: paired(seen[key], seen.refuse, (a, b) => a / b),
  unit: '×',
});
report({
  title: 'Breaker, synchronous, time passed in',
  notes: [
    'Closed: acquire and record of a success. Refused: acquire gives minus the ms to wait; throughBreaker an object that says it.',
    'The others refuse by rejecting a promise; awaited and caught here.',
  ],
  figures: [
    ns('acquire + record, closed, window of 100 calls', 'count', 50),
    ns('acquire + record, closed, window of 10 s', 'time', 50),
    ns('refused when open: acquire', 'refuse', 30),
    ns('refused when open: throughBreaker', 'value', 30),
    ns('refused when open: cockatiel', 'cockatiel'),
    ns('refused when open: opossum', 'opossum'),
    times("cockatiel's refusal ÷ acquire", 'cockatiel'),
    times("opossum's refusal ÷ acquire", 'opossum'),
  ],
  faults: [],
});
