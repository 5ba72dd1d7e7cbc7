import { parentPort, workerData } from 'node:worker_threads';
import { Core, type CoreShare } from '../core.js';

/** What a thread of the concurrency test is told. */
export interface BreakerThreadTask {
  share: CoreShare;
  slot: number;
  job: 'probe' | 'flood' | 'buckets' | 'storm' | 'force' | 'die';
  rounds: number;
  thread: number;
  threads: number;
  /** Two i32: threads that have arrived, and the number of the round. */
  gate: Int32Array<SharedArrayBuffer>;
}

const task = workerData as BreakerThreadTask;
const slot = Core.attach(task.share.memory, task.share.module).breakers.at(task.slot);

/** Waits for the other threads; spins first, so that they go on at the same moment. */
function meet(): void {
  const { gate, threads } = task;
  const round = Atomics.load(gate, 1);
  if (Atomics.add(gate, 0, 1) === threads - 1) {
    Atomics.store(gate, 0, 0);
    Atomics.add(gate, 1, 1);
    return;
  }
  for (let spins = 0; Atomics.load(gate, 1) === round; spins++) {
    if (spins > 20_000) Atomics.wait(gate, 1, round, 1);
  }
}

/** Each round: all ask for probes at once, then all that got one report a failure at once. Returns [granted, moved] per round. */
function probe(): number[][] {
  const seen: number[][] = [];
  for (let round = 0; round < task.rounds; round++) {
    const now = (round + 1) * 1000;
    meet();
    const permits = [1, 2, 3].map(() => slot.acquire(now)).filter((permit) => permit >= 0);
    meet();
    const moved = permits.filter((permit) => slot.record(permit, 'failure', now) === 'moved');
    seen.push([permits.length, moved.length]);
    meet();
  }
  return seen;
}

/** Successes and failures in turn, as fast as it goes. */
function flood(): number[][] {
  meet();
  for (let i = 0; i < task.rounds; i++) slot.record(slot.acquire(0), i % 2 ? 'failure' : 'success', 0);
  return [];
}

/** The same while time runs: the threads turn buckets over at the same moments. */
function buckets(): number[][] {
  meet();
  for (let i = 0; i < task.rounds; i++) {
    const now = i / 64;
    slot.record(slot.acquire(now), i % 2 ? 'failure' : 'success', now, i % 3);
  }
  return [];
}

/** Each round: all force the same state at once, then all reset it. Returns who won the first. */
function force(): number[][] {
  const seen: number[][] = [];
  for (let round = 0; round < task.rounds; round++) {
    meet();
    const won = slot.force(round % 2 ? 'forced_open' : 'disabled', round);
    meet();
    slot.acquire(round);
    seen.push([won ? 1 : 0]);
    meet();
  }
  return seen;
}

/** Any outcome, while time runs and the breaker opens and closes. Returns [acquired, refused, late, counted and moved]. */
function storm(): number[][] {
  let seed = 1 + task.thread;
  const sums = [0, 0, 0, 0];
  const add = (at: number) => {
    sums[at] = (sums[at] ?? 0) + 1;
  };
  meet();
  for (let i = 0; i < task.rounds; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    const permit = slot.acquire(i / 16);
    add(permit < 0 ? 1 : 0);
    if (permit < 0) continue;
    const outcome = seed & 0x10000 ? 'failure' : seed & 0xe0000 ? 'success' : 'ignored';
    add(slot.record(permit, outcome, i / 16, seed & 15) === 'late' ? 2 : 3);
  }
  return [sums];
}

/** Takes a permit and ends without a word. */
function die(): number[][] {
  meet();
  return [[slot.acquire(1000)]];
}

const jobs = { probe, flood, buckets, storm, force, die };
parentPort?.postMessage(jobs[task.job]());
