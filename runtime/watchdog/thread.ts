import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Beats, beatMs } from './beats.js';
import { Judge, lookMs, type Verdict } from './judge.js';
import { findKeeper } from './keeper.js';
import type { WatchdogData, WatchdogReply, WatchdogRequest } from './protocol.js';

/**
 * The watchdog: a thread of its own that looks at the heartbeats, kills a sandbox that is stuck, and tells the keeper (our parent or systemd)
 * that all is well, or that a thread of ours is stuck so that the process must be started anew. Without a keeper nobody would start it again,
 * so then it only tells.
 */
const port = parentPort;
if (port === null) throw new Error('the watchdog runs as a worker thread');
const { memory, closeMs, silentMs } = workerData as WatchdogData;
const beats = new Beats(memory);
const judge = new Judge();
/** Whoever kept us has gone: the appliance is asked to close, and ended when it cannot. */
let orphaned = false;
const say = (reply: WatchdogReply) => port.postMessage(reply);
const keeper = findKeeper({
  env: process.env,
  onGone: () => {
    orphaned = true;
    process.kill(process.pid, 'SIGTERM');
  },
  onProblem: (problem) => say({ kind: 'problem', problem }),
});
let looking: NodeJS.Timeout | undefined;

port.on('message', (request: WatchdogRequest) => {
  if (request.kind === 'ready') {
    keeper?.ready({ closeMs, silentMs });
    say({ kind: 'told' });
    looking = setInterval(look, lookMs);
    return;
  }
  clearInterval(looking);
  if (request.kind === 'closing') keeper?.closing();
  else port.close();
});

function look(): void {
  const { late, stuck, back, healthy } = judge.look(beatMs(), beats.read());
  for (const verdict of late) say({ kind: 'late', verdict });
  for (const verdict of back) say({ kind: 'back', verdict });
  for (const verdict of stuck) {
    say({ kind: 'stuck', verdict });
    if (verdict.part === 'sandbox') kill(verdict.pid);
    else giveUp(verdict);
  }
  if (healthy) keeper?.alive();
}

/** The HTTP thread may be the one that is stuck, so this goes past it. */
function giveUp({ part, silentMs: silent }: Verdict): void {
  const msg = `${part} has been silent for ${silent} ms`;
  const time = new Date().toISOString();
  writeSync(2, `${JSON.stringify({ level: 60, time, watchdog: part, silent_ms: silent, msg })}\n`);
  if (orphaned) process.kill(process.pid, 'SIGKILL');
  keeper?.stuck(msg);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has gone meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
