import { PerformanceObserver } from 'node:perf_hooks';
import { Core, throughBreaker } from '../../core-wasm/index.js';
import { createTurnClock } from '../../runtime/kernel/turn-clock.js';
import { byCount } from './core-rivals.js';
import { endOfTurn, type Figure, report } from './core-section.js';

// What is allocated after the start. Runs with --expose-gc.
const calls = 10_000_000;
const asyncCalls = 2_000_000;
const callsPerTurn = 256;
const { gc } = globalThis as { gc?: () => void };
if (gc === undefined) throw new Error('this part of the benchmark needs node --expose-gc');

const core = Core.create();
const slot = core.breakers.take(byCount);
const sketch = core.sketches.take();
if (sketch === undefined) throw new Error('the core has no sketch');
for (let i = 0; i < 256; i++) core.slab.write(i, { cpu: 85, ram: 70, severity: 'high' });
const { memory } = core.share;
const bytes = memory.buffer.byteLength;
const faults: string[] = [];

let pausesMs = 0;
let pauses = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    pausesMs += entry.duration;
    pauses++;
  }
}).observe({ entryTypes: ['gc'] });
/** What the observer was told so far; it is told a little later. */
async function collected(): Promise<{ pausesMs: number; pauses: number }> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return { pausesMs, pauses };
}

function hot(count: number): void {
  for (let i = 0; i < count; i++) {
    const nowMs = i / 1000;
    const permit = slot.acquire(nowMs);
    if (permit >= 0) slot.record(permit, 'success', nowMs, 1);
    sketch!.add(1 + (i & 1023));
    if ((i & 255) === 0) core.slab.score(0, 256);
  }
}

/** Share of the thread's time that the collector took, its pauses, and what the heap grew by, in kB. */
async function watched(run: () => void | Promise<void>) {
  gc?.();
  const heap = process.memoryUsage().heapUsed;
  const before = await collected();
  const began = performance.now();
  await run();
  const tookMs = performance.now() - began;
  const after = await collected();
  gc?.();
  await collected();
  return {
    share: (after.pausesMs - before.pausesMs) / tookMs,
    pauses: after.pauses - before.pauses,
    grownKB: (process.memoryUsage().heapUsed - heap) / 1000,
  };
}

async function inTurns(one: () => unknown): Promise<void> {
  for (let i = 0; i < asyncCalls; i++) {
    await one();
    if (i % callsPerTurn === 0) await endOfTurn();
  }
}

const now = createTurnClock(() => performance.now());
const call = async () => 1;
hot(1_000_000);
const sync = await watched(() => hot(calls));
const bare = await watched(() => inTurns(call));
const wrapped = await watched(() => inTurns(() => throughBreaker(slot, now, call)));

if (memory.buffer.byteLength !== bytes) {
  faults.push(`the memory of the core grew from ${bytes} to ${memory.buffer.byteLength} bytes`);
}
try {
  memory.grow(1);
  faults.push('the memory of the core can grow');
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
}
if (sync.grownKB > 1000) faults.push(`the heap grew by ${sync.grownKB} kB in ${calls} calls`);

const figure = (what: string, value: number, unit: string, aim?: number): Figure => ({
  what,
  value,
  unit,
  ...(aim === undefined ? {} : { aim }),
});
report({
  title: 'Memory and the garbage collector',
  notes: [
    `${calls.toLocaleString('en')} times acquire + record + a latency into a sketch, and a batch of 256 scored every 256 of them.`,
    `Then ${asyncCalls.toLocaleString('en')} async calls, bare and behind the breaker: what the collector takes of this thread's time before and after.`,
  ],
  figures: [
    figure('memory of the core', bytes / 1024 / 1024, 'MiB'),
    figure('it grew by', (memory.buffer.byteLength - bytes) / 1024, 'KiB', 0),
    figure('JavaScript heap grew by', sync.grownKB, 'kB', 1000),
    figure('collections meanwhile', sync.pauses, ''),
    figure("collector's share, synchronous calls", sync.share * 100, '%'),
    figure("collector's share, bare async calls", bare.share * 100, '%'),
    figure("collector's share, behind the breaker", wrapped.share * 100, '%'),
  ],
  faults,
});
