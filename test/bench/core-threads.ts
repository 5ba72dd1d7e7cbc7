import { cpus } from 'node:os';
import { Core } from '../../core-wasm/index.js';
import { createGate, runThreads } from '../../core-wasm/testing/run-threads.js';
import { byCount, byTime } from './core-rivals.js';
import { type Figure, inTurn, median, report } from './core-section.js';
import type { Hammering } from './core-thread.js';

// Threads that all call one slot: how fast, and whether every report is in the counters.
const callsEach = 500_000;
const rounds = 5;
/** Within the window by time, so that nothing leaves it. */
const spanMs = 9999;
const core = Core.create();
const faults: string[] = [];

async function hammer(threads: number, window: 'calls' | 'time'): Promise<number> {
  // Successes and failures in turn, never failures alone: it stays closed.
  const options = window === 'calls' ? { ...byCount, callsMin: 100 } : { ...byTime, callsMin: 1_000_000 };
  const slot = core.breakers.take({ ...options, failureRate: 1 });
  const gate = createGate();
  const tasks = Array.from(
    { length: threads },
    (): Hammering => ({
      share: core.share,
      slot: slot.index,
      calls: callsEach,
      spanMs: window === 'calls' ? 0 : spanMs,
      threads,
      gate,
    }),
  );
  const tookMs = await runThreads<number>(new URL('./core-thread.js', import.meta.url), tasks);
  const calls = threads * callsEach;
  const { successes, failures, slow, ignored, late, refused } = slot.counters();
  const seen = slot.window(spanMs);
  const counted = successes === calls / 2 && failures === calls / 2 && slow + ignored + late + refused === 0;
  const windowed =
    window === 'time' ? seen.calls === calls && seen.failures === calls / 2 : seen.calls === 100;
  if (!counted || !windowed) {
    faults.push(
      `${threads} threads made ${calls} calls, but the counters say ${JSON.stringify(slot.counters())} and the window ${JSON.stringify(seen)}`,
    );
  }
  return calls / 1000 / Math.max(...tookMs);
}

const seen = await inTurn(rounds, {
  one: () => hammer(1, 'calls'),
  four: () => hammer(4, 'calls'),
  oneByTime: () => hammer(1, 'time'),
  fourByTime: () => hammer(4, 'time'),
});
const rate = (what: string, key: keyof typeof seen): Figure => ({
  what,
  value: median(seen[key]),
  unit: 'million/s',
});
report({
  title: 'Threads that hammer one slot',
  notes: [
    `acquire + record, ${callsEach.toLocaleString('en')} calls a thread, on ${cpus().length} cores. Every call was found in the counters.`,
  ],
  figures: [
    rate('one thread, window of calls', 'one'),
    rate('four threads, window of calls', 'four'),
    rate('one thread, window of time', 'oneByTime'),
    rate('four threads, window of time', 'fourByTime'),
    { what: 'lost updates', value: faults.length, unit: 'runs', aim: 0 },
  ],
  faults,
});
